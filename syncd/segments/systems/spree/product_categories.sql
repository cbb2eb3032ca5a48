-- Taxons, by name and permalink. A store's own ones come with newer versions alone; those that
-- name no store are everyone's.
SELECT {{key(pt.product_id)}} AS product_key,
       t.name AS category_name,
       CONCAT('/', t.permalink, '/') AS path
FROM {{table(spree_products_taxons)}} pt
JOIN {{table(spree_taxons)}} t ON t.id = pt.taxon_id
LEFT JOIN {{table(spree_taxonomies)}} x ON x.id = t.taxonomy_id
WHERE ({{in_stores(COALESCE(to_jsonb(t) ->> 'store_id', to_jsonb(x) ->> 'store_id'))}}) IS NOT FALSE
