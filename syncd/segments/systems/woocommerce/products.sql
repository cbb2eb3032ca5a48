-- Products; their variations are posts of another type. A draft has no day yet.
SELECT {{store_key(p.ID)}} AS product_key,
       COALESCE(NULLIF(number.meta_value, ''), {{store_key(p.ID)}}) AS sku,
       NULL AS replenish_days,
       CASE WHEN p.post_date_gmt > '1970-01-01' THEN p.post_date_gmt END AS launched_at
FROM {{site(posts)}} p
LEFT JOIN {{site(postmeta)}} number ON number.post_id = p.ID AND number.meta_key = '_sku'
WHERE p.post_type = 'product'
  AND p.post_status <> 'auto-draft'
