-- The first `top` by revenue of the last `window` days, among those who bought in them.
-- Often or rarely does not matter. Equals are all in or all out.
SELECT customer_key
FROM (
  SELECT customer_key, PERCENT_RANK() OVER (ORDER BY SUM(paid) DESC) AS place
  FROM paid_order
  WHERE placed_at >= {{ago(window)}}
  GROUP BY customer_key
) ranked
WHERE place < :top
