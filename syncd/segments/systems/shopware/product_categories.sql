-- Categories in each language that they have names in, those of a variant with its product.
-- The way is the address of a category's page, which each storefront writes, and else the
-- names from under the root, in the shop's own language.
WITH RECURSIVE tree AS (
  SELECT c.id, CAST('/' AS CHAR(4000)) AS path
  FROM {{table(category)}} c
  WHERE c.parent_id IS NULL
    AND c.version_id = X'0FA91CE3E96A4BC2BE4BD9CE752C3425'
  UNION ALL
  SELECT c.id, CONCAT(tree.path, own.name, '/')
  FROM tree
  JOIN {{table(category)}} c
    ON c.parent_id = tree.id AND c.version_id = X'0FA91CE3E96A4BC2BE4BD9CE752C3425'
  JOIN {{table(category_translation)}} own
    ON own.category_id = c.id AND own.category_version_id = c.version_id
   AND own.language_id = X'2FBB5FE2E29A4D70AA5854CE7CE3E20B'
)
SELECT DISTINCT {{key(LOWER(HEX(COALESCE(p.parent_id, p.id))))}} AS product_key,
       l.name AS category_name,
       COALESCE(CONCAT('/', TRIM(BOTH '/' FROM u.seo_path_info), '/'), tree.path) AS path
FROM {{table(product_category)}} k
JOIN {{table(product)}} p ON p.id = k.product_id AND p.version_id = k.product_version_id
JOIN tree ON tree.id = k.category_id
JOIN {{table(category_translation)}} l
  ON l.category_id = k.category_id AND l.category_version_id = k.category_version_id
LEFT JOIN {{table(seo_url)}} u
  ON u.foreign_key = k.category_id
 AND u.language_id = l.language_id
 AND u.route_name = 'frontend.navigation.page'
 AND u.is_canonical = 1
 AND u.is_deleted = 0
 AND (u.sales_channel_id IS NULL OR {{in_stores(LOWER(HEX(u.sales_channel_id)))}})
WHERE l.name IS NOT NULL
  AND k.product_version_id = X'0FA91CE3E96A4BC2BE4BD9CE752C3425'
  AND k.category_version_id = X'0FA91CE3E96A4BC2BE4BD9CE752C3425'
