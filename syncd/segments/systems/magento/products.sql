-- Products, from the day on which they were entered; the day of their first sale is nowhere.
SELECT {{key(p.entity_id)}} AS product_key,
       p.sku,
       NULL AS replenish_days,
       p.created_at AS launched_at
FROM {{table(catalog_product_entity)}} p
