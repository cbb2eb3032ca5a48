-- What customers said, guests too, in a metadata key that the configuration names. It has no
-- moment.
SELECT CASE WHEN c.has_account THEN {{key(c.id)}} END AS account,
       c.email,
       '{{channel()}}' AS channel,
       CASE WHEN LOWER(c.metadata ->> :consent_{{channel()}}) IN ('yes', '1', 'true', 'on')
            THEN 'granted'
            WHEN LOWER(c.metadata ->> :consent_{{channel()}}) IN ('no', '0', 'false', 'off')
            THEN 'denied'
            ELSE 'unknown' END AS state,
       CAST(NULL AS timestamptz) AS changed_at
FROM {{table(customer)}} c
WHERE c.metadata ->> :consent_{{channel()}} IS NOT NULL
  AND c.deleted_at IS NULL
