-- Each cart with whose it is, as orders are; one that is nobody's is left out.
SELECT *
FROM (
  SELECT shop_carts.*,
         CASE WHEN known_mail.mail IS NOT NULL THEN known_mail.customer_key
              WHEN shop_customers.source_id IS NOT NULL
              THEN CONCAT('c:', shop_customers.source_id) END AS customer_key
  FROM shop_carts
  LEFT JOIN shop_customers ON shop_customers.source_id = shop_carts.account
  LEFT JOIN known_mail ON known_mail.mail = CASE WHEN shop_carts.account IS NULL
                                                 THEN LEFT({{folded(shop_carts.email)}}, 190)
                                                 ELSE LEFT({{folded(shop_customers.email)}}, 190) END
) owned
WHERE customer_key IS NOT NULL
