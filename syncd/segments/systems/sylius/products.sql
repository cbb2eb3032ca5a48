-- Products, from the day on which they were entered; the day of their first sale is nowhere.
SELECT {{key(p.id)}} AS product_key,
       p.code AS sku,
       NULL AS replenish_days,
       {{utc(p.created_at)}} AS launched_at
FROM {{table(sylius_product)}} p
