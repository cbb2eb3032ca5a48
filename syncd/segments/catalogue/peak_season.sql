-- An order in one of the last `years` of the shop's own peak seasons; with `share`, at
-- least so much of all their orders.
SELECT customer_key
FROM (
  SELECT customer_key,
         COUNT(*) AS n_orders,
         SUM(CASE WHEN {{in_windows(placed_at, windows, years)}} THEN 1 ELSE 0 END) AS n_inside
  FROM paid_order
  GROUP BY customer_key
) counted
WHERE n_inside >= 1
  AND n_inside >= :share * n_orders
