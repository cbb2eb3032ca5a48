-- Collections, which lie in no tree, by title and handle; and the type of each product.
SELECT {{key(cp.product_id)}} AS product_key,
       c.title AS category_name,
       CONCAT('/', c.handle, '/') AS path
FROM {{table(collection_product)}} cp
JOIN {{table(collection)}} c ON c.id = cp.collection_id
WHERE c._fivetran_deleted IS NOT TRUE
UNION ALL
SELECT {{key(p.id)}}, p.product_type, CONCAT('/', p.product_type, '/')
FROM {{table(product)}} p
WHERE p.product_type <> ''
