-- At least `orders` orders and `times` the mean of all buyers, revenue in the upper half,
-- and the last order at most `days` days ago.
SELECT customer_key
FROM standing
WHERE n_orders >= :orders
  AND n_orders * all_buyers >= :times * all_orders
  AND revenue_rank >= 0.5
  AND last_at >= {{ago(days)}}
