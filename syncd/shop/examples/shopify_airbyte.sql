-- Written by `syncd init` to begin with: everybody whom Shopify has as a customer. Country and
-- postcode are in the JSON of `default_address`: take them out as your database does that.
SELECT
    c.id AS customer_key,
    c.email,
    c.phone,
    c.first_name,
    c.last_name
FROM {customers} c
