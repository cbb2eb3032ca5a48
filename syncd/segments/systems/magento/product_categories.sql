-- Categories under the root of each store's tree, with the names and URL keys that hold for
-- all store views. `path` there is the numbers of all above a category, and its own.
SELECT {{key(cp.product_id)}} AS product_key,
       MAX(CASE WHEN above.entity_id = c.entity_id THEN name.value END) AS category_name,
       CONCAT('/', GROUP_CONCAT(COALESCE(slug.value, name.value)
                                ORDER BY above.level SEPARATOR '/'), '/') AS path
FROM {{table(catalog_category_product)}} cp
JOIN {{table(catalog_category_entity)}} c ON c.entity_id = cp.category_id
JOIN {{table(catalog_category_entity)}} above
  ON CONCAT(c.path, '/') LIKE CONCAT(above.path, '/%') AND above.level >= 2
JOIN {{table(eav_entity_type)}} kind ON kind.entity_type_code = 'catalog_category'
JOIN {{table(eav_attribute)}} named
  ON named.entity_type_id = kind.entity_type_id AND named.attribute_code = 'name'
JOIN {{table(catalog_category_entity_varchar)}} name
  ON name.attribute_id = named.attribute_id AND name.entity_id = above.entity_id
 AND name.store_id = 0
JOIN {{table(eav_attribute)}} slugged
  ON slugged.entity_type_id = kind.entity_type_id AND slugged.attribute_code = 'url_key'
LEFT JOIN {{table(catalog_category_entity_varchar)}} slug
  ON slug.attribute_id = slugged.attribute_id AND slug.entity_id = above.entity_id
 AND slug.store_id = 0
GROUP BY cp.product_id, c.entity_id
