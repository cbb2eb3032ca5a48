-- Categories with the handles from the root.
WITH RECURSIVE tree AS (
  SELECT c.id, c.name, CONCAT('/', c.handle, '/') AS path
  FROM {{table(product_category)}} c
  WHERE c.parent_category_id IS NULL AND c.deleted_at IS NULL
  UNION ALL
  SELECT c.id, c.name, CONCAT(tree.path, c.handle, '/')
  FROM tree
  JOIN {{table(product_category)}} c ON c.parent_category_id = tree.id
  WHERE c.deleted_at IS NULL
)
SELECT {{key(cp.product_id)}} AS product_key,
       tree.name AS category_name,
       tree.path
FROM tree
JOIN {{table(product_category_product)}} cp ON cp.product_category_id = tree.id
