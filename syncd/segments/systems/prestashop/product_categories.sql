-- Categories under the home of each shop, in each language that they have names in. All that
-- lies in one has numbers between its two, so that those around them are all above it.
SELECT {{key(cp.id_product)}} AS product_key,
       MAX(CASE WHEN above.id_category = c.id_category THEN l.name END) AS category_name,
       CONCAT('/', GROUP_CONCAT(l.link_rewrite ORDER BY above.level_depth SEPARATOR '/'), '/')
         AS path
FROM {{table(category_product)}} cp
JOIN {{table(category)}} c ON c.id_category = cp.id_category
JOIN {{table(category)}} above
  ON above.nleft <= c.nleft AND above.nright >= c.nright
 AND above.id_parent <> 0 AND above.is_root_category = 0
JOIN {{table(category_lang)}} l ON l.id_category = above.id_category
WHERE {{in_stores(l.id_shop)}}
GROUP BY cp.id_product, c.id_category, l.id_lang, l.id_shop
