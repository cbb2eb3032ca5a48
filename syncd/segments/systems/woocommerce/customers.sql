-- Users of the site, but for its staff. The billing fields are those of their last checkout.
SELECT {{key(u.ID)}} AS source_id,
       u.user_email AS email,
       m.phone,
       COALESCE(m.billing_first_name, m.first_name) AS first_name,
       COALESCE(m.billing_last_name, m.last_name) AS last_name,
       m.country,
       m.postcode,
       m.city,
       m.region,
       m.locale,
       u.user_registered AS registered_at
FROM {{table(users)}} u
JOIN {{table(usermeta)}} role
  ON role.user_id = u.ID AND role.meta_key = {{site_name(capabilities)}}
LEFT JOIN (
  SELECT user_id,
         MAX(CASE WHEN meta_key = 'first_name' THEN NULLIF(meta_value, '') END) AS first_name,
         MAX(CASE WHEN meta_key = 'last_name' THEN NULLIF(meta_value, '') END) AS last_name,
         MAX(CASE WHEN meta_key = 'billing_first_name' THEN NULLIF(meta_value, '') END)
           AS billing_first_name,
         MAX(CASE WHEN meta_key = 'billing_last_name' THEN NULLIF(meta_value, '') END)
           AS billing_last_name,
         MAX(CASE WHEN meta_key = 'billing_phone' THEN NULLIF(meta_value, '') END) AS phone,
         MAX(CASE WHEN meta_key = 'billing_country' THEN NULLIF(meta_value, '') END) AS country,
         MAX(CASE WHEN meta_key = 'billing_postcode' THEN NULLIF(meta_value, '') END) AS postcode,
         MAX(CASE WHEN meta_key = 'billing_city' THEN NULLIF(meta_value, '') END) AS city,
         MAX(CASE WHEN meta_key = 'billing_state' THEN NULLIF(meta_value, '') END) AS region,
         MAX(CASE WHEN meta_key = 'locale' THEN NULLIF(meta_value, '') END) AS locale
  FROM {{table(usermeta)}}
  WHERE meta_key IN ('first_name', 'last_name', 'billing_first_name', 'billing_last_name',
                     'billing_phone', 'billing_country', 'billing_postcode', 'billing_city',
                     'billing_state', 'locale')
  GROUP BY user_id
) m ON m.user_id = u.ID
WHERE role.meta_value NOT LIKE '%"administrator"%'
  AND role.meta_value NOT LIKE '%"shop\_manager"%'
