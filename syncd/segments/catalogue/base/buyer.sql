-- One row a person who has bought.
SELECT customer_key, SUM(paid) AS revenue, MAX(placed_at) AS last_at
FROM paid_order
GROUP BY customer_key
