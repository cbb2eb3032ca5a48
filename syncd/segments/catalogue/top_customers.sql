-- Buy often, at short intervals and for much: the first `top` by the sum of their ranks in
-- the three, with at least two orders. Equals are all in or all out.
SELECT customer_key
FROM (
  SELECT customer_key, n_orders, PERCENT_RANK() OVER (ORDER BY score DESC) AS place
  FROM loyalty_score
) ranked
WHERE place < :top
  AND n_orders >= 2
