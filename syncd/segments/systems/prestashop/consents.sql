-- The newsletter, of customers and of the block for everyone else. Who was never asked and
-- who left look alike but for the day of the subscription; a leaving has no moment. The block
-- writes its moments in the database server's zone, taken here for the shop's.
SELECT CASE WHEN c.is_guest = 1 AND c.deleted = 0 THEN NULL
            ELSE {{key(c.id_customer)}} END AS account,
       c.email,
       'email' AS channel,
       CASE c.newsletter WHEN 1 THEN 'granted' ELSE 'denied' END AS state,
       CASE c.newsletter WHEN 1 THEN {{utc(c.newsletter_date_add)}} END AS changed_at
FROM {{table(customer)}} c
WHERE (c.newsletter = 1 OR c.newsletter_date_add > '1970-01-01')
  AND {{in_stores(c.id_shop)}}
UNION ALL
SELECT NULL,
       e.email,
       'email',
       CASE e.active WHEN 1 THEN 'granted' ELSE 'pending' END,
       {{utc(e.newsletter_date_add)}}
FROM {{table(emailsubscription)}} e
WHERE {{in_stores(e.id_shop)}}
