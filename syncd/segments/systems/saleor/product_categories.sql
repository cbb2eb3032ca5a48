-- The category of each product, with the slugs from the root.
WITH RECURSIVE tree AS (
  SELECT c.id, c.name, CONCAT('/', c.slug, '/') AS path
  FROM {{table(product_category)}} c
  WHERE c.parent_id IS NULL
  UNION ALL
  SELECT c.id, c.name, CONCAT(tree.path, c.slug, '/')
  FROM tree
  JOIN {{table(product_category)}} c ON c.parent_id = tree.id
)
SELECT {{key(p.id)}} AS product_key,
       tree.name AS category_name,
       tree.path
FROM tree
JOIN {{table(product_product)}} p ON p.category_id = tree.id
