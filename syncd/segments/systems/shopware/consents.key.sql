-- What customers said, guests too, in a custom field that the configuration names. It has no
-- moment. An account's word counts wherever it is from; a guest's only in what counts.
SELECT CASE WHEN said.guest = 0 THEN {{key(LOWER(HEX(said.id)))}} END AS account,
       said.email,
       '{{channel()}}' AS channel,
       CASE WHEN LOWER(said.word) IN ('yes', '1', 'true', 'on') THEN 'granted'
            WHEN LOWER(said.word) IN ('no', '0', 'false', 'off') THEN 'denied'
            ELSE 'unknown' END AS state,
       CAST(NULL AS DATETIME) AS changed_at
FROM (
  SELECT c.id, c.guest, c.email,
         JSON_UNQUOTE(JSON_EXTRACT(c.custom_fields, CONCAT('$."', :consent_{{channel()}}, '"')))
           AS word
  FROM {{table(customer)}} c
  WHERE c.guest = 0 OR {{in_stores(LOWER(HEX(c.sales_channel_id)))}}
) said
WHERE said.word IS NOT NULL
