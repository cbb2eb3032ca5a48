-- What users said, in a meta key that the configuration names. It has no moment.
SELECT {{key(user_id)}} AS account,
       {{key(NULL)}} AS email,
       '{{channel()}}' AS channel,
       CASE WHEN LOWER(TRIM(meta_value)) IN ('yes', '1', 'true', 'on') THEN 'granted'
            WHEN LOWER(TRIM(meta_value)) IN ('no', '0', 'false', 'off') THEN 'denied'
            ELSE 'unknown' END AS state,
       CAST(NULL AS DATETIME) AS changed_at
FROM {{table(usermeta)}}
WHERE meta_key = :consent_{{channel()}}
