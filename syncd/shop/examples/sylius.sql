-- Written by `syncd init` to begin with: everybody who takes the newsletter.
SELECT
    c.id AS customer_key,
    c.email,
    c.phone_number AS phone,
    c.first_name,
    c.last_name,
    a.country_code AS country,
    a.postcode
FROM {sylius_customer} c
LEFT JOIN {sylius_address} a ON a.id = c.default_address_id
WHERE c.subscribed_to_newsletter
