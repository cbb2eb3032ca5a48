-- Accounts of the websites that count, and of those who ordered there with an account of
-- another. Guests have no row. The language is that of the store view of the account.
SELECT {{key(c.entity_id)}} AS source_id,
       c.email,
       a.telephone AS phone,
       c.firstname AS first_name,
       c.lastname AS last_name,
       a.country_id AS country,
       a.postcode,
       a.city,
       a.region,
       c.dob AS birth_date,
       CASE c.gender WHEN 1 THEN 'm' WHEN 2 THEN 'f' END AS gender,
       COALESCE(own.value, site.value, everywhere.value, 'en_US') AS locale,
       c.created_at AS registered_at
FROM {{table(customer_entity)}} c
LEFT JOIN {{table(customer_address_entity)}} a ON a.entity_id = c.default_billing
LEFT JOIN {{table(core_config_data)}} own
  ON own.path = 'general/locale/code' AND own.scope = 'stores' AND own.scope_id = c.store_id
LEFT JOIN {{table(core_config_data)}} site
  ON site.path = 'general/locale/code' AND site.scope = 'websites'
 AND site.scope_id = c.website_id
LEFT JOIN {{table(core_config_data)}} everywhere
  ON everywhere.path = 'general/locale/code' AND everywhere.scope = 'default'
WHERE {{in_stores(c.website_id)}}
   OR c.entity_id IN (SELECT o.customer_id FROM {{table(sales_order)}} o
                      JOIN {{table(store)}} s ON s.store_id = o.store_id
                      WHERE {{in_stores(s.website_id)}})
