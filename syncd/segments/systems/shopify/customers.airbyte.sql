-- Customers. Checkouts without an account make one too, a single one an e-mail.
SELECT {{key(c.id)}} AS source_id,
       c.email,
       COALESCE(c.phone, c.default_address ->> 'phone') AS phone,
       c.first_name,
       c.last_name,
       c.default_address ->> 'country_code' AS country,
       c.default_address ->> 'zip' AS postcode,
       c.default_address ->> 'city' AS city,
       c.default_address ->> 'province_code' AS region,
       spoken.locale,
       c.created_at AS registered_at
FROM {{table(customers)}} c
LEFT JOIN (
  SELECT DISTINCT ON (o.customer ->> 'id') o.customer ->> 'id' AS customer_id,
         o.customer_locale AS locale
  FROM {{table(orders)}} o
  WHERE o.customer_locale IS NOT NULL
  ORDER BY o.customer ->> 'id', o.processed_at DESC
) spoken ON spoken.customer_id = {{key(c.id)}}
