-- The sum of three ranks among all buyers: number of orders, mean gap between days with an
-- order (a short one ranks high, none lowest) and revenue. Gaps are in millionths of a day,
-- whole, so that every engine ranks alike.
SELECT buyer.customer_key,
       buyer.n_orders,
       RANK() OVER (ORDER BY buyer.n_orders)
       + RANK() OVER (
           ORDER BY CASE WHEN rhythm.gaps = 0 THEN 0 ELSE 1 END,
                    CASE WHEN rhythm.gaps = 0 THEN 0
                         ELSE {{quotient((rhythm.last_day - rhythm.first_day) * 1000000,
                                         rhythm.gaps)}} END DESC)
       + RANK() OVER (ORDER BY buyer.revenue) AS score
FROM buyer
JOIN rhythm ON rhythm.customer_key = buyer.customer_key
