-- One row a person who has bought.
SELECT customer_key,
       COUNT(*) AS n_orders,
       {{whole(SUM(paid))}} AS revenue,
       MIN(placed_at) AS first_at,
       MAX(placed_at) AS last_at
FROM paid_order
GROUP BY customer_key
