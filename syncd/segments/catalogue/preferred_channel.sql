-- Whose latest word on a channel is `granted`.
SELECT customer_key
FROM consent
WHERE {{one_of(channel, channel)}}
  AND state = 'granted'
