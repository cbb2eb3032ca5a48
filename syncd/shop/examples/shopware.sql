-- Written by `syncd init` to begin with: everybody with an account.
SELECT
    LOWER(HEX(c.id)) AS customer_key,
    c.email,
    a.phone_number AS phone,
    c.first_name,
    c.last_name,
    n.iso AS country,
    a.zipcode AS postcode
FROM {customer} c
LEFT JOIN {customer_address} a ON a.id = c.default_billing_address_id
LEFT JOIN {country} n ON n.id = a.country_id
WHERE c.active = 1 AND c.guest = 0
