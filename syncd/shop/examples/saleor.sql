-- Written by `syncd init` to begin with: everybody with an account.
SELECT
    u.id AS customer_key,
    u.email,
    a.phone,
    u.first_name,
    u.last_name,
    a.country,
    a.postal_code AS postcode
FROM {account_user} u
LEFT JOIN {account_address} a ON a.id = u.default_billing_address_id
WHERE u.is_active AND NOT u.is_staff
