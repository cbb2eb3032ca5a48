-- Customers who bear a tag that the configuration names. It has no moment.
SELECT {{key(c.id)}} AS account,
       c.email,
       '{{channel()}}' AS channel,
       'granted' AS state,
       CAST(NULL AS timestamptz) AS changed_at
FROM {{table(customers)}} c
WHERE :consent_{{channel()}} = ANY (string_to_array(c.tags, ', '))
