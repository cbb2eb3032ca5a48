-- Products, by the master's number, or else their first variant's, from the day on which they
-- became available; where none is said, were entered.
SELECT {{key(p.id)}} AS product_key,
       COALESCE(v.sku, {{key(p.id)}}) AS sku,
       CAST(NULL AS numeric) AS replenish_days,
       COALESCE(p.available_on, p.created_at) AS launched_at
FROM {{table(spree_products)}} p
LEFT JOIN (
  SELECT DISTINCT ON (product_id) product_id, sku
  FROM {{table(spree_variants)}}
  WHERE deleted_at IS NULL AND sku <> ''
  ORDER BY product_id, is_master DESC, position, id
) v ON v.product_id = p.id
