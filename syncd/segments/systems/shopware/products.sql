-- Products without their variants, by their own number, from the day on which they were
-- entered, or on which they came out where that is later.
SELECT {{key(LOWER(HEX(p.id)))}} AS product_key,
       COALESCE(NULLIF(p.product_number, ''), LOWER(HEX(p.id))) AS sku,
       NULL AS replenish_days,
       GREATEST(p.created_at, COALESCE(p.release_date, p.created_at)) AS launched_at
FROM {{table(product)}} p
WHERE p.parent_id IS NULL
  AND p.version_id = X'0FA91CE3E96A4BC2BE4BD9CE752C3425'
