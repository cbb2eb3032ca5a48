-- Collections that were put together by hand, by title and handle, and the type of each
-- product. What is in an automated collection Airbyte does not bring. None lies in a tree.
SELECT {{key(cp.product_id)}} AS product_key,
       c.title AS category_name,
       CONCAT('/', c.handle, '/') AS path
FROM {{table(collects)}} cp
JOIN {{table(custom_collections)}} c ON c.id = cp.collection_id
WHERE c.deleted_at IS NULL
UNION ALL
SELECT {{key(p.id)}}, p.product_type, CONCAT('/', p.product_type, '/')
FROM {{table(products)}} p
WHERE p.product_type <> ''
