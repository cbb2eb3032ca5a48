-- What people said, with who said it, as orders are; what nobody said is left out.
SELECT *
FROM (
  SELECT COALESCE(shop_consents.email, shop_customers.email) AS email,
         shop_consents.channel, shop_consents.state, shop_consents.changed_at,
         CASE WHEN known_mail.mail IS NOT NULL THEN known_mail.customer_key
              WHEN shop_customers.source_id IS NOT NULL
              THEN CONCAT('c:', shop_customers.source_id) END AS customer_key
  FROM shop_consents
  LEFT JOIN shop_customers ON shop_customers.source_id = shop_consents.account
  LEFT JOIN known_mail ON known_mail.mail = CASE WHEN shop_consents.account IS NULL
                                                 THEN LEFT({{folded(shop_consents.email)}}, 190)
                                                 ELSE LEFT({{folded(shop_customers.email)}}, 190) END
) owned
WHERE customer_key IS NOT NULL
