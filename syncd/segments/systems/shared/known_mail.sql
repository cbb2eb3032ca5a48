-- Every e-mail by which the shop knows someone, and who that is. Of several accounts with
-- one e-mail the oldest is the person. A guest who registers keeps the first key: where an
-- order under the e-mail is older than the account, the key is the guest's. MariaDB makes
-- no index over more than some 240 characters, so that nobody is known by a longer e-mail.
SELECT mail,
       account,
       CASE WHEN account IS NULL OR ordered_at < registered_at
            THEN {{guest(mail)}} ELSE CONCAT('c:', account) END AS customer_key
FROM (
  SELECT mail,
         MIN(account) AS account,
         MIN(registered_at) AS registered_at,
         MIN(ordered_at) AS ordered_at,
         MAX(known) AS known
  FROM (
    SELECT LEFT({{folded(email)}}, 190) AS mail, NULL AS account, NULL AS registered_at,
           placed_at AS ordered_at, CASE WHEN account IS NULL THEN 1 ELSE 0 END AS known
    FROM shop_orders
    UNION ALL
    SELECT mail, account, registered_at, NULL, 1
    FROM (
      SELECT LEFT({{folded(email)}}, 190) AS mail, source_id AS account, registered_at,
             ROW_NUMBER() OVER (
               PARTITION BY LEFT({{folded(email)}}, 190) ORDER BY registered_at, source_id
             ) AS place
      FROM shop_customers
    ) oldest
    WHERE place = 1
    UNION ALL
    SELECT LEFT({{folded(email)}}, 190), NULL, NULL, NULL, 1 FROM shop_carts WHERE account IS NULL
    UNION ALL
    SELECT LEFT({{folded(email)}}, 190), NULL, NULL, NULL, 1 FROM shop_consents WHERE account IS NULL
  ) said
  -- What WordPress and others put in the place of an erased e-mail ends in .invalid.
  WHERE mail <> '' AND mail NOT LIKE '%.invalid' AND CHAR_LENGTH(mail) < 190
  GROUP BY mail
) merged
WHERE known = 1
