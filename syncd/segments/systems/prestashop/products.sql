-- Products, from the day on which they were entered; the day of their first sale is nowhere.
SELECT {{key(p.id_product)}} AS product_key,
       COALESCE(NULLIF(p.reference, ''), {{key(p.id_product)}}) AS sku,
       NULL AS replenish_days,
       {{utc(p.date_add)}} AS launched_at
FROM {{table(product)}} p
