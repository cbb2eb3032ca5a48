-- What customers said to e-mails.
SELECT {{key(c.id)}} AS account,
       c.email,
       'email' AS channel,
       CASE LOWER(c.email_marketing_consent ->> 'state')
            WHEN 'subscribed' THEN 'granted' WHEN 'pending' THEN 'pending' ELSE 'denied' END
         AS state,
       CAST(c.email_marketing_consent ->> 'consent_updated_at' AS timestamptz) AS changed_at
FROM {{table(customers)}} c
WHERE c.email_marketing_consent ->> 'state' IS NOT NULL
