-- Bought any, all or none of some products in the last `window` days. With none, whoever
-- has ever bought and not one of these in that time.
SELECT buyer.customer_key
FROM buyer
LEFT JOIN (
  SELECT customer_key, COUNT(DISTINCT {{folded(sku)}}) AS n_products
  FROM paid_item
  WHERE placed_at >= {{ago(window)}}
    AND {{one_of(sku, products)}}
  GROUP BY customer_key
) wanted ON wanted.customer_key = buyer.customer_key
WHERE COALESCE(wanted.n_products, 0) >=
        CASE :match WHEN 'all' THEN {{count(products)}} WHEN 'any' THEN 1 ELSE 0 END
  AND (:match <> 'none' OR wanted.n_products IS NULL)
