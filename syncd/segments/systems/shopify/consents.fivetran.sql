-- What customers said to e-mails.
SELECT {{key(c.id)}} AS account,
       c.email,
       'email' AS channel,
       CASE LOWER(c.email_marketing_consent_state)
            WHEN 'subscribed' THEN 'granted' WHEN 'pending' THEN 'pending' ELSE 'denied' END
         AS state,
       c.email_marketing_consent_consent_updated_at AS changed_at
FROM {{table(customer)}} c
WHERE c.email_marketing_consent_state IS NOT NULL
