-- At least `share` of their orders in the last `window` days had a code, and there are at
-- least `orders` of them.
SELECT customer_key
FROM (
  SELECT paid_order.customer_key,
         COUNT(*) AS n_orders,
         SUM(CASE WHEN TRIM(paid_order.coupon_codes) <> '' THEN 1 ELSE 0 END) AS n_with_code
  FROM paid_order
  WHERE paid_order.placed_at >= {{ago(window)}}
  GROUP BY paid_order.customer_key
) counted
WHERE n_orders >= :orders
  AND n_with_code >= :share * n_orders
