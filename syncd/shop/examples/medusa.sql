-- Written by `syncd init` to begin with: everybody with an account.
SELECT
    c.id AS customer_key,
    c.email,
    c.phone,
    c.first_name,
    c.last_name,
    (
        SELECT MAX(UPPER(a.country_code)) FROM {customer_address} a
        WHERE a.customer_id = c.id AND a.is_default_billing AND a.deleted_at IS NULL
    ) AS country
FROM {customer} c
WHERE c.has_account AND c.deleted_at IS NULL
