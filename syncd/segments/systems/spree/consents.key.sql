-- What accounts said, in a metadata key that the configuration names; where both metadata have
-- it, what staff alone can write counts. It has no moment.
SELECT c.source_id AS account,
       c.email,
       '{{channel()}}' AS channel,
       CASE WHEN c.said IN ('yes', '1', 'true', 'on') THEN 'granted'
            WHEN c.said IN ('no', '0', 'false', 'off') THEN 'denied'
            ELSE 'unknown' END AS state,
       CAST(NULL AS timestamp) AS changed_at
FROM (
  SELECT source_id, email,
         LOWER(COALESCE(private_metadata ->> :consent_{{channel()}},
                        public_metadata ->> :consent_{{channel()}})) AS said
  FROM shop_customers
) c
WHERE c.said IS NOT NULL
