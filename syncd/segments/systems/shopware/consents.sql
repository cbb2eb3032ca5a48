-- The newsletter, of anyone by e-mail. Who subscribed has said so once it was confirmed, where
-- the shop asks for that. A leaving is the last thing that changed.
SELECT NULL AS account,
       r.email,
       'email' AS channel,
       CASE r.status WHEN 'optIn' THEN 'granted' WHEN 'direct' THEN 'granted'
                     WHEN 'optOut' THEN 'denied' WHEN 'notSet' THEN 'pending'
                     ELSE 'unknown' END AS state,
       CASE WHEN r.status IN ('optIn', 'direct') THEN COALESCE(r.confirmed_at, r.created_at)
            ELSE COALESCE(r.updated_at, r.created_at) END AS changed_at
FROM {{table(newsletter_recipient)}} r
WHERE {{in_stores(LOWER(HEX(r.sales_channel_id)))}}
