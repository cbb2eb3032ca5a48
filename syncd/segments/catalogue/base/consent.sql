-- The latest word of each person on each channel. An undated word is the oldest; of two
-- at the same moment the one that allows less counts. A word without a customer is of
-- whom its e-mail belongs to.
SELECT customer_key, channel, state, changed_at AS said_at
FROM (
  SELECT customer_key, channel, state, changed_at,
         ROW_NUMBER() OVER (
           PARTITION BY customer_key, channel
           ORDER BY changed_at IS NULL, changed_at DESC,
                    CASE state WHEN 'denied' THEN 0 WHEN 'granted' THEN 2 ELSE 1 END
         ) AS newest
  FROM (
    SELECT consents.customer_key, channel, LOWER(state) AS state, changed_at
    FROM consents
    WHERE customer_key IS NOT NULL
    UNION ALL
    SELECT mail_owner.customer_key, channel, LOWER(state) AS state, changed_at
    FROM consents
    JOIN mail_owner ON mail_owner.mail = {{folded(consents.email)}}
    WHERE consents.customer_key IS NULL
  ) said
  WHERE changed_at IS NULL OR changed_at < :as_of
) ranked
WHERE newest = 1
