-- The sum of three ranks among all buyers: number of orders, mean gap between days with an
-- order (a short one ranks high, none lowest) and revenue. Gaps are in millionths of a day,
-- whole, so that every engine ranks alike. All is read of the orders at once: to join what
-- `buyer` and `rhythm` say would read them twice.
SELECT customer_key,
       n_orders,
       RANK() OVER (ORDER BY n_orders)
       + RANK() OVER (
           ORDER BY CASE WHEN gaps = 0 THEN 0 ELSE 1 END,
                    CASE WHEN gaps = 0 THEN 0
                         ELSE {{quotient((last_day - first_day) * 1000000, gaps)}} END DESC)
       + RANK() OVER (ORDER BY revenue) AS score
FROM (
  SELECT customer_key,
         {{whole(SUM(n_orders))}} AS n_orders,
         {{whole(SUM(paid))}} AS revenue,
         MIN(day) AS first_day,
         MAX(day) AS last_day,
         COUNT(*) - 1 AS gaps
  FROM (
    SELECT customer_key, day, COUNT(*) AS n_orders, {{whole(SUM(paid))}} AS paid
    FROM (SELECT customer_key, {{day(placed_at)}} AS day, paid FROM paid_order) bought
    GROUP BY customer_key, day
  ) days
  GROUP BY customer_key
) counted
