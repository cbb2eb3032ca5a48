-- Taxons, by name and permalink. They are those of all stores.
SELECT {{key(pt.product_id)}} AS product_key,
       t.name AS category_name,
       CONCAT('/', t.permalink, '/') AS path
FROM {{table(spree_products_taxons)}} pt
JOIN {{table(spree_taxons)}} t ON t.id = pt.taxon_id
