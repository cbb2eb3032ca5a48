-- Written by `syncd init` to begin with: everybody with an account who takes the newsletter.
SELECT
    c.id_customer AS customer_key,
    c.email,
    COALESCE(NULLIF(a.phone_mobile, ''), a.phone) AS phone,
    c.firstname AS first_name,
    c.lastname AS last_name,
    n.iso_code AS country,
    a.postcode
FROM {customer} c
LEFT JOIN {address} a ON a.id_address = (
    SELECT MAX(l.id_address) FROM {address} l
    WHERE l.id_customer = c.id_customer AND l.deleted = 0
)
LEFT JOIN {country} n ON n.id_country = a.id_country
WHERE c.active = 1 AND c.deleted = 0 AND c.is_guest = 0 AND c.newsletter = 1
