-- Products, by the number of their first variant, from the day on which they were entered;
-- the day of their first sale is nowhere.
SELECT {{key(p.id)}} AS product_key,
       COALESCE(NULLIF(v.sku, ''), {{key(p.id)}}) AS sku,
       CAST(NULL AS numeric) AS replenish_days,
       p.created_at AS launched_at
FROM {{table(product)}} p
LEFT JOIN (
  SELECT DISTINCT ON (product_id) product_id, sku
  FROM {{table(product_variant)}}
  WHERE deleted_at IS NULL
  ORDER BY product_id, variant_rank, id
) v ON v.product_id = p.id
