-- Written by `syncd init` to begin with: everybody with an account. Guests are left out, for
-- WooCommerce has no row of theirs; consent is in no table of its own, so it is unknown.
SELECT
    u.ID AS customer_key,
    u.user_email AS email,
    (SELECT MAX(m.meta_value) FROM {usermeta} m WHERE m.user_id = u.ID AND m.meta_key = 'billing_phone') AS phone,
    (SELECT MAX(m.meta_value) FROM {usermeta} m WHERE m.user_id = u.ID AND m.meta_key = 'billing_first_name') AS first_name,
    (SELECT MAX(m.meta_value) FROM {usermeta} m WHERE m.user_id = u.ID AND m.meta_key = 'billing_last_name') AS last_name,
    (SELECT MAX(m.meta_value) FROM {usermeta} m WHERE m.user_id = u.ID AND m.meta_key = 'billing_country') AS country,
    (SELECT MAX(m.meta_value) FROM {usermeta} m WHERE m.user_id = u.ID AND m.meta_key = 'billing_postcode') AS postcode
FROM {users} u
WHERE u.user_email <> '' AND u.user_email NOT LIKE '%.invalid'
