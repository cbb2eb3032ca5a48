-- Bought at least `products` products within `days` days of their launch, and these are at
-- least `share` of the products they ever bought. A product launched within `warmup` days
-- of the shop's first order counts as old: when it was new is not known.
SELECT customer_key
FROM (
  SELECT paid_item.customer_key,
         COUNT(DISTINCT paid_item.product_key) AS n_products,
         COUNT(DISTINCT CASE WHEN paid_item.placed_at < launch.new_until
                             THEN paid_item.product_key END) AS n_early
  FROM paid_item
  LEFT JOIN (
    SELECT product_key, {{later(launched_at, days)}} AS new_until
    FROM products
    WHERE launched_at >= (SELECT {{later(MIN(placed_at), warmup)}} FROM paid_order)
  ) launch ON launch.product_key = paid_item.product_key
  GROUP BY paid_item.customer_key
) counted
WHERE n_early >= :products
  AND n_early >= :share * n_products
