-- Taxons, by name and slug in each language that they have. A slug is the whole way, as pages'
-- addresses have it. A product's main taxon need not stand among its others.
SELECT {{key(pt.product_id)}} AS product_key,
       t.name AS category_name,
       CONCAT('/', t.slug, '/') AS path
FROM (
  SELECT product_id, taxon_id FROM {{table(sylius_product_taxon)}}
  UNION
  SELECT id, main_taxon_id FROM {{table(sylius_product)}} WHERE main_taxon_id IS NOT NULL
) pt
JOIN {{table(sylius_taxon_translation)}} t ON t.translatable_id = pt.taxon_id
