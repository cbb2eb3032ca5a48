-- Customers who bear a tag that the configuration names. It has no moment.
SELECT {{key(t.customer_id)}} AS account,
       CAST(NULL AS text) AS email,
       '{{channel()}}' AS channel,
       'granted' AS state,
       CAST(NULL AS timestamptz) AS changed_at
FROM {{table(customer_tag)}} t
WHERE t.value = :consent_{{channel()}}
