-- What people said, with who said it, as orders are; what nobody said is left out.
SELECT *
FROM (
  SELECT shop_consents.email, shop_consents.channel, shop_consents.state,
         shop_consents.changed_at,
         COALESCE(known_account.customer_key, known_mail.customer_key) AS customer_key
  FROM shop_consents
  LEFT JOIN known_account ON known_account.account = shop_consents.account
  LEFT JOIN known_mail ON shop_consents.account IS NULL
                      AND known_mail.mail = {{mail(shop_consents.email)}}
) owned
WHERE customer_key IS NOT NULL
