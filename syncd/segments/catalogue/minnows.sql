-- In the last `bottom` by revenue, with at most `orders` orders. Equals in revenue are all
-- in or all out.
SELECT customer_key
FROM (
  SELECT customer_key, n_orders, PERCENT_RANK() OVER (ORDER BY revenue) AS place
  FROM buyer
) ranked
WHERE place < :bottom
  AND n_orders <= :orders
