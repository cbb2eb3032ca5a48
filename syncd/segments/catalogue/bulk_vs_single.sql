-- How many things an order of theirs has: on the mean at least `items`, or always one.
SELECT customer_key
FROM (
  SELECT customer_key, SUM(units) AS units, COUNT(DISTINCT order_key) AS n_orders
  FROM paid_item
  WHERE placed_at >= {{ago(window)}}
  GROUP BY customer_key
) counted
WHERE (:habit = 'bulk' AND units >= :items * n_orders)
   OR (:habit = 'single' AND units = n_orders)
