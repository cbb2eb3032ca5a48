-- What MailPoet's subscribers said. Who unsubscribed has no moment of that: it counts as the
-- only word. A bounced address has said nothing.
SELECT {{key(NULL)}} AS account,
       email,
       '{{channel()}}' AS channel,
       CASE status WHEN 'subscribed' THEN 'granted' WHEN 'inactive' THEN 'granted'
                   WHEN 'unconfirmed' THEN 'pending' WHEN 'unsubscribed' THEN 'denied'
                   ELSE 'unknown' END AS state,
       CASE WHEN status <> 'unsubscribed'
            THEN COALESCE(confirmed_at, last_subscribed_at, created_at) END AS changed_at
FROM {{site(mailpoet_subscribers)}}
WHERE deleted_at IS NULL
