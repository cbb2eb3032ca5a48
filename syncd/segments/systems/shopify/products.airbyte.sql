-- Products, by the number of their first variant, from the day of their publication.
SELECT {{key(p.id)}} AS product_key,
       COALESCE(NULLIF(v.sku, ''), {{key(p.id)}}) AS sku,
       CAST(NULL AS numeric) AS replenish_days,
       p.published_at AS launched_at
FROM {{table(products)}} p
LEFT JOIN (
  SELECT DISTINCT ON (product_id) product_id, sku
  FROM {{table(product_variants)}}
  ORDER BY product_id, position
) v ON v.product_id = p.id
