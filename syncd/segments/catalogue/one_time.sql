-- A single order, more than `min` and at most `max` days ago.
SELECT customer_key
FROM buyer
WHERE n_orders = 1
  AND last_at < {{ago(min)}}
  AND last_at >= {{ago(max)}}
