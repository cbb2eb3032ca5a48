-- Of every account: who that is; one without an e-mail is somebody alone. Deleted accounts
-- are not among the shop's customers.
SELECT shop_customers.source_id AS account,
       COALESCE(known_mail.customer_key, CONCAT('c:', shop_customers.source_id)) AS customer_key,
       known_mail.mail IS NULL AS alone
FROM shop_customers
LEFT JOIN known_mail ON known_mail.mail = {{mail(shop_customers.email)}}
