-- Written by `syncd init` to begin with: everybody who ordered, guests too, by their e-mail.
SELECT
    LOWER(TRIM(o.email)) AS customer_key,
    MAX(o.email) AS email,
    MAX(a.phone) AS phone,
    MAX(a.country_code) AS country,
    MAX(a.zipcode) AS postcode
FROM {spree_orders} o
LEFT JOIN {spree_addresses} a ON a.id = o.bill_address_id
WHERE o.completed_at IS NOT NULL AND o.email <> ''
GROUP BY LOWER(TRIM(o.email))
