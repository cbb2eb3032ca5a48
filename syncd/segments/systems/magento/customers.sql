-- Accounts of the websites that count, and of those who ordered there with an account of
-- another. Guests have no row.
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
       c.created_at AS registered_at
FROM {{table(customer_entity)}} c
LEFT JOIN {{table(customer_address_entity)}} a ON a.entity_id = c.default_billing
WHERE {{in_stores(c.website_id)}}
   OR c.entity_id IN (SELECT o.customer_id FROM {{table(sales_order)}} o
                      JOIN {{table(store)}} s ON s.store_id = o.store_id
                      WHERE {{in_stores(s.website_id)}})
