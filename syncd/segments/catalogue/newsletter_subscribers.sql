-- Whose latest word on channel `email` is `granted`. `pending` is not `granted`: an
-- address counts once it is confirmed.
SELECT customer_key
FROM consent
WHERE channel = 'email'
  AND state = 'granted'
  AND (:only_prospects = 0 OR customer_key NOT IN (SELECT customer_key FROM buyer))
