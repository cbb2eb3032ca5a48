-- Written by `syncd init` to begin with: everybody with an account who takes the newsletter.
SELECT
    c.entity_id AS customer_key,
    c.email,
    a.telephone AS phone,
    c.firstname AS first_name,
    c.lastname AS last_name,
    a.country_id AS country,
    a.postcode
FROM {customer_entity} c
LEFT JOIN {customer_address_entity} a ON a.entity_id = c.default_billing
WHERE c.is_active = 1
  AND EXISTS (
    SELECT 1 FROM {newsletter_subscriber} n
    WHERE n.customer_id = c.entity_id AND n.subscriber_status = 1
  )
