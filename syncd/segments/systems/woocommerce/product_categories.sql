-- Categories with the slugs from the root; a variation is in those of its product.
WITH RECURSIVE tree AS (
  SELECT x.term_id, x.term_taxonomy_id, t.name,
         CAST(CONCAT('/', t.slug, '/') AS CHAR(1000)) AS path
  FROM {{site(term_taxonomy)}} x
  JOIN {{site(terms)}} t ON t.term_id = x.term_id
  WHERE x.taxonomy = 'product_cat' AND x.parent = 0
  UNION ALL
  SELECT x.term_id, x.term_taxonomy_id, t.name, CONCAT(tree.path, t.slug, '/')
  FROM tree
  JOIN {{site(term_taxonomy)}} x ON x.parent = tree.term_id AND x.taxonomy = 'product_cat'
  JOIN {{site(terms)}} t ON t.term_id = x.term_id
)
SELECT {{store_key(r.object_id)}} AS product_key,
       tree.name AS category_name,
       tree.path
FROM tree
JOIN {{site(term_relationships)}} r ON r.term_taxonomy_id = tree.term_taxonomy_id
