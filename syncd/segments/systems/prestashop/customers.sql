-- Accounts. A guest's checkout makes a row here too, anew each time: that is no account.
-- Orders of the erased are moved to one account of the privacy module, who is nobody.
SELECT {{key(c.id_customer)}} AS source_id,
       c.email,
       COALESCE(NULLIF(a.phone_mobile, ''), a.phone) AS phone,
       c.firstname AS first_name,
       c.lastname AS last_name,
       co.iso_code AS country,
       a.postcode,
       a.city,
       s.name AS region,
       NULLIF(c.birthday, '0000-00-00') AS birth_date,
       CASE g.type WHEN 0 THEN 'm' WHEN 1 THEN 'f' END AS gender,
       l.iso_code AS locale,
       {{utc(c.date_add)}} AS registered_at
FROM {{table(customer)}} c
LEFT JOIN (
  SELECT id_customer, MAX(id_address) AS id_address
  FROM {{table(address)}}
  WHERE deleted = 0 AND id_customer <> 0
  GROUP BY id_customer
) latest ON latest.id_customer = c.id_customer
LEFT JOIN {{table(address)}} a ON a.id_address = latest.id_address
LEFT JOIN {{table(country)}} co ON co.id_country = a.id_country
LEFT JOIN {{table(state)}} s ON s.id_state = a.id_state
LEFT JOIN {{table(gender)}} g ON g.id_gender = c.id_gender
LEFT JOIN {{table(lang)}} l ON l.id_lang = c.id_lang
WHERE c.is_guest = 0
  AND c.deleted = 0
  AND c.email <> 'anonymous@psgdpr.com'
  AND ({{in_stores(c.id_shop)}}
       OR c.id_customer IN (SELECT o.id_customer FROM {{table(orders)}} o
                            WHERE {{in_stores(o.id_shop)}}))
