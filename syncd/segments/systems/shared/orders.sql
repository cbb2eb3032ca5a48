-- Each order with whose it is: of its account, or of the guest whom its e-mail names. That
-- of a deleted account is nobody's, though its e-mail may still stand on it.
SELECT shop_orders.*,
       COALESCE(known_account.customer_key, known_mail.customer_key) AS customer_key
FROM shop_orders
LEFT JOIN known_account ON known_account.account = shop_orders.account
LEFT JOIN known_mail ON shop_orders.account IS NULL
                    AND known_mail.mail = {{mail(shop_orders.email)}}
