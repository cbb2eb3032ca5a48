-- Everyone with an account, and everyone else whose e-mail the shop has: who ordered or
-- left a cart as a guest, and who only said something on consent. Of a guest we know what
-- the latest order says.
SELECT person.customer_key,
       CASE WHEN person.account IS NULL THEN person.mail ELSE shop_customers.email END AS email,
       CASE WHEN person.account IS NULL THEN latest.phone ELSE shop_customers.phone END AS phone,
       CASE WHEN person.account IS NULL THEN latest.first_name
            ELSE shop_customers.first_name END AS first_name,
       CASE WHEN person.account IS NULL THEN latest.last_name
            ELSE shop_customers.last_name END AS last_name,
       CASE WHEN person.account IS NULL THEN latest.country
            ELSE shop_customers.country END AS country,
       CASE WHEN person.account IS NULL THEN latest.postcode
            ELSE shop_customers.postcode END AS postcode,
       CASE WHEN person.account IS NULL THEN latest.city ELSE shop_customers.city END AS city,
       CASE WHEN person.account IS NULL THEN latest.region
            ELSE shop_customers.region END AS region,
       shop_customers.registered_at,
       FALSE AS deleted
       {{own(birth_date)}}
       {{own(gender)}}
       {{own(locale)}}
FROM (
  SELECT customer_key, account, mail FROM known_mail
  UNION ALL
  -- Accounts without an e-mail that can be known by, each somebody alone.
  SELECT CONCAT('c:', source_id), source_id, LEFT({{folded(email)}}, 190)
  FROM shop_customers
  WHERE email IS NULL OR TRIM(email) = '' OR {{folded(email)}} LIKE '%.invalid'
     OR CHAR_LENGTH({{folded(email)}}) >= 190
) person
LEFT JOIN shop_customers ON shop_customers.source_id = person.account
LEFT JOIN (
  SELECT LEFT({{folded(email)}}, 190) AS mail, phone, first_name, last_name, country,
         postcode, city, region,
         ROW_NUMBER() OVER (
           PARTITION BY LEFT({{folded(email)}}, 190) ORDER BY placed_at DESC, order_key DESC
         ) AS place
  FROM shop_orders
  WHERE account IS NULL
) latest ON latest.mail = person.mail AND latest.place = 1
