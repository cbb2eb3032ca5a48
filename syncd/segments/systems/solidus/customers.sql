-- Accounts, but for administrators and the deleted, in the table that the layout is named
-- after. Nothing says where somebody registered: whoever ordered or left carts in other
-- stores alone is theirs. Columns that come with some versions and plug-ins alone are looked
-- for in the row, so that a shop need not have them.
-- A name is one text; Solidus itself takes its first word for the first name.
SELECT {{key(u.id)}} AS source_id,
       u.email,
       a.phone,
       SPLIT_PART(TRIM(a.name), ' ', 1) AS first_name,
       NULLIF(REGEXP_REPLACE(TRIM(a.name), '^[^ ]+ *', ''), '') AS last_name,
       n.iso AS country,
       a.zipcode AS postcode,
       a.city,
       COALESCE(s.abbr, a.state_name) AS region,
       u.created_at AS registered_at,
       to_jsonb(u) -> 'customer_metadata' AS customer_metadata,
       to_jsonb(u) -> 'admin_metadata' AS admin_metadata
FROM {{table({{layout()}})}} u
LEFT JOIN (
  SELECT DISTINCT ON (user_id) user_id, address_id
  FROM {{table(spree_user_addresses)}}
  ORDER BY user_id, default_billing IS TRUE DESC, "default" IS TRUE DESC, updated_at DESC
) kept ON kept.user_id = u.id
LEFT JOIN {{table(spree_addresses)}} a ON a.id = kept.address_id
LEFT JOIN {{table(spree_countries)}} n ON n.id = a.country_id
LEFT JOIN {{table(spree_states)}} s ON s.id = a.state_id
LEFT JOIN (
  SELECT o.user_id, BOOL_OR({{in_stores(o.store_id)}}) AS here
  FROM {{table(spree_orders)}} o
  GROUP BY o.user_id
) ordered ON ordered.user_id = u.id
LEFT JOIN (
  SELECT DISTINCT ru.user_id
  FROM {{table(spree_roles_users)}} ru
  JOIN {{table(spree_roles)}} r ON r.id = ru.role_id
  WHERE r.name = 'admin'
) staff ON staff.user_id = u.id
WHERE to_jsonb(u) ->> 'deleted_at' IS NULL
  AND staff.user_id IS NULL
  AND ordered.here IS NOT FALSE
