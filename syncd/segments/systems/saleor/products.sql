-- Products, by the number of their default variant, from the day on which they were first
-- published in a channel that counts, or entered where none says.
SELECT {{key(p.id)}} AS product_key,
       COALESCE(NULLIF(v.sku, ''), {{key(p.id)}}) AS sku,
       CAST(NULL AS numeric) AS replenish_days,
       COALESCE(listed.published_at, p.created_at) AS launched_at
FROM {{table(product_product)}} p
LEFT JOIN {{table(product_productvariant)}} v ON v.id = p.default_variant_id
LEFT JOIN (
  SELECT l.product_id, MIN(l.published_at) AS published_at
  FROM {{table(product_productchannellisting)}} l
  JOIN {{table(channel_channel)}} c ON c.id = l.channel_id
  WHERE l.is_published AND {{in_stores(c.slug)}}
  GROUP BY l.product_id
) listed ON listed.product_id = p.id
