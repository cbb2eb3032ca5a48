-- Accounts that may sign in, but for staff; guests have none. Nothing says in which channel
-- somebody registered: whoever ordered in others alone is theirs.
SELECT {{key(u.id)}} AS source_id,
       u.email,
       NULLIF(a.phone, '') AS phone,
       COALESCE(NULLIF(u.first_name, ''), a.first_name) AS first_name,
       COALESCE(NULLIF(u.last_name, ''), a.last_name) AS last_name,
       NULLIF(a.country, '') AS country,
       a.postal_code AS postcode,
       a.city,
       a.country_area AS region,
       u.language_code AS locale,
       u.date_joined AS registered_at
FROM {{table(account_user)}} u
LEFT JOIN {{table(account_address)}} a
       ON a.id = COALESCE(u.default_billing_address_id, u.default_shipping_address_id)
LEFT JOIN (
  SELECT o.user_id, BOOL_OR({{in_stores(c.slug)}}) AS here
  FROM {{table(order_order)}} o
  JOIN {{table(channel_channel)}} c ON c.id = o.channel_id
  WHERE o.status <> 'draft'
  GROUP BY o.user_id
) ordered ON ordered.user_id = u.id
WHERE u.is_active
  AND NOT u.is_staff
  AND ordered.here IS NOT FALSE
