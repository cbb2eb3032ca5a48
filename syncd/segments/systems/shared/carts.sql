-- Each cart with whose it is, as orders are; one that is nobody's is left out.
SELECT *
FROM (
  SELECT shop_carts.*,
         COALESCE(known_account.customer_key, known_mail.customer_key) AS customer_key
  FROM shop_carts
  LEFT JOIN known_account ON known_account.account = shop_carts.account
  LEFT JOIN known_mail ON shop_carts.account IS NULL
                      AND known_mail.mail = {{mail(shop_carts.email)}}
) owned
WHERE customer_key IS NOT NULL
