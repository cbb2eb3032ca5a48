-- How each buyer stands among all buyers. `revenue_rank` is 0 for the least and 1 for the
-- most; from 0.5 up it is the upper half.
SELECT customer_key,
       n_orders,
       last_at,
       COUNT(*) OVER () AS all_buyers,
       SUM(n_orders) OVER () AS all_orders,
       PERCENT_RANK() OVER (ORDER BY revenue) AS revenue_rank
FROM buyer
