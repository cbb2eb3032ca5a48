-- Each order with whose it is: of its account, or of the guest whom its e-mail names. That
-- of a deleted account is nobody's, though its e-mail may still stand on it.
SELECT shop_orders.*,
       CASE WHEN known_mail.mail IS NOT NULL THEN known_mail.customer_key
            WHEN shop_customers.source_id IS NOT NULL
            THEN CONCAT('c:', shop_customers.source_id) END AS customer_key
FROM shop_orders
LEFT JOIN shop_customers ON shop_customers.source_id = shop_orders.account
LEFT JOIN known_mail ON known_mail.mail = CASE WHEN shop_orders.account IS NULL
                                               THEN LEFT({{folded(shop_orders.email)}}, 190)
                                               ELSE LEFT({{folded(shop_customers.email)}}, 190) END
