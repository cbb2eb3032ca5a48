-- Customers. Checkouts without an account make one too, a single one an e-mail.
SELECT {{key(c.id)}} AS source_id,
       c.email,
       COALESCE(c.phone, a.phone) AS phone,
       c.first_name,
       c.last_name,
       a.country_code AS country,
       a.zip AS postcode,
       a.city,
       a.province_code AS region,
       spoken.locale,
       c.created_at AS registered_at
FROM {{table(customer)}} c
LEFT JOIN {{table(customer_address)}} a ON a.customer_id = c.id AND a.is_default
LEFT JOIN (
  SELECT DISTINCT ON (o.customer_id) o.customer_id, o.customer_locale AS locale
  FROM {{table(order)}} o
  WHERE o.customer_locale IS NOT NULL
  ORDER BY o.customer_id, o.processed_at DESC
) spoken ON spoken.customer_id = c.id
