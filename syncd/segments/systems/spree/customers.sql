-- Accounts, but for administrators and the deleted, in the table that the layout is named
-- after. Nothing says where somebody registered: whoever ordered or left carts in other
-- stores alone is theirs. Columns that come with some versions and plug-ins alone are looked
-- for in the row, so that a shop need not have them.
-- A role of another class of users is no word on who has the same number here.
SELECT {{key(u.id)}} AS source_id,
       u.email,
       COALESCE(NULLIF(to_jsonb(u) ->> 'phone', ''), a.phone) AS phone,
       COALESCE(NULLIF(to_jsonb(u) ->> 'first_name', ''), a.firstname) AS first_name,
       COALESCE(NULLIF(to_jsonb(u) ->> 'last_name', ''), a.lastname) AS last_name,
       n.iso AS country,
       a.zipcode AS postcode,
       a.city,
       COALESCE(s.abbr, a.state_name) AS region,
       u.created_at AS registered_at,
       CAST(to_jsonb(u) ->> 'accepts_email_marketing' AS boolean) AS accepts_mail,
       to_jsonb(u) -> 'public_metadata' AS public_metadata,
       to_jsonb(u) -> 'private_metadata' AS private_metadata
FROM {{table({{layout()}})}} u
LEFT JOIN {{table(spree_addresses)}} a ON a.id = COALESCE(u.bill_address_id, u.ship_address_id)
LEFT JOIN {{table(spree_countries)}} n ON n.id = a.country_id
LEFT JOIN {{table(spree_states)}} s ON s.id = a.state_id
LEFT JOIN (
  SELECT o.user_id, BOOL_OR({{in_stores(o.store_id)}}) AS here
  FROM {{table(spree_orders)}} o
  GROUP BY o.user_id
) ordered ON ordered.user_id = u.id
LEFT JOIN (
  SELECT DISTINCT ru.user_id
  FROM {{table(spree_role_users)}} ru
  JOIN {{table(spree_roles)}} r ON r.id = ru.role_id
  WHERE r.name = 'admin'
    AND (
      to_jsonb(ru) ->> 'user_type' IS NULL
      OR ('{{layout()}}', to_jsonb(ru) ->> 'user_type') IN (
        ('spree_users', 'Spree::User'), ('spree_users', 'Spree::LegacyUser'), ('users', 'User')
      )
    )
) staff ON staff.user_id = u.id
WHERE to_jsonb(u) ->> 'deleted_at' IS NULL
  AND staff.user_id IS NULL
  AND ordered.here IS NOT FALSE
