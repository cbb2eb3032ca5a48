-- Written by `syncd init` to begin with: everybody whom Shopify has as a customer.
SELECT
    c.id AS customer_key,
    c.email,
    c.phone,
    c.first_name,
    c.last_name,
    (SELECT MAX(a.country_code) FROM {customer_address} a WHERE a.customer_id = c.id AND a.is_default) AS country,
    (SELECT MAX(a.zip) FROM {customer_address} a WHERE a.customer_id = c.id AND a.is_default) AS postcode
FROM {customer} c
