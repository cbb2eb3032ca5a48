-- Accounts. A guest's checkout makes a row here too, anew each time: that is no account. One
-- that staff switched off is nobody, nor one whose e-mail was to be confirmed and never was.
-- Whoever registered in another sales channel is there once they ordered in one that counts;
-- with a LIMIT MariaDB works that out once, and not for each account.
SELECT {{key(LOWER(HEX(c.id)))}} AS source_id,
       c.email,
       a.phone_number AS phone,
       c.first_name,
       c.last_name,
       n.iso AS country,
       a.zipcode AS postcode,
       a.city,
       st.name AS region,
       c.birthday AS birth_date,
       CASE s.salutation_key WHEN 'mr' THEN 'm' WHEN 'mrs' THEN 'f' END AS gender,
       l.code AS locale,
       c.created_at AS registered_at
FROM {{table(customer)}} c
LEFT JOIN {{table(customer_address)}} a ON a.id = c.default_billing_address_id
LEFT JOIN {{table(country)}} n ON n.id = a.country_id
LEFT JOIN {{table(country_state_translation)}} st
  ON st.country_state_id = a.country_state_id
 AND st.language_id = X'2FBB5FE2E29A4D70AA5854CE7CE3E20B'
LEFT JOIN {{table(salutation)}} s ON s.id = c.salutation_id
LEFT JOIN {{table(language)}} g ON g.id = c.language_id
LEFT JOIN {{table(locale)}} l ON l.id = g.locale_id
LEFT JOIN (
  SELECT DISTINCT oc.customer_id
  FROM {{table(order)}} o
  JOIN {{table(order_customer)}} oc
    ON oc.order_id = o.id AND oc.order_version_id = o.version_id
  WHERE o.version_id = X'0FA91CE3E96A4BC2BE4BD9CE752C3425'
    AND {{in_stores(LOWER(HEX(o.sales_channel_id)))}}
  LIMIT 18446744073709551615
) ordered ON ordered.customer_id = c.id
WHERE c.guest = 0
  AND c.active = 1
  AND (c.double_opt_in_registration = 0 OR c.double_opt_in_confirm_date IS NOT NULL)
  AND ({{in_stores(LOWER(HEX(c.sales_channel_id)))}} OR ordered.customer_id IS NOT NULL)
