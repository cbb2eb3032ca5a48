-- Offers of partners, which customers can tick at registration and that has no moment.
SELECT CASE WHEN c.is_guest = 1 AND c.deleted = 0 THEN NULL
            ELSE {{key(c.id_customer)}} END AS account,
       c.email,
       '{{channel()}}' AS channel,
       'granted' AS state,
       CAST(NULL AS DATETIME) AS changed_at
FROM {{table(customer)}} c
WHERE c.optin = 1
  AND {{in_stores(c.id_shop)}}
