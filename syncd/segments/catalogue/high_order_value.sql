-- The first `top` by the mean value of an order, among those with at least `orders`.
-- Equals are all in or all out.
SELECT customer_key
FROM (
  SELECT customer_key,
         PERCENT_RANK() OVER (ORDER BY {{quotient(revenue, n_orders)}} DESC) AS place
  FROM buyer
  WHERE n_orders >= :orders
) ranked
WHERE place < :top
