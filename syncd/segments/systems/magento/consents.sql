-- The newsletter: 1 subscribed, 2 waits for activation, 3 unsubscribed, 4 unconfirmed.
SELECT {{key(NULLIF(n.customer_id, 0))}} AS account,
       n.subscriber_email AS email,
       'email' AS channel,
       CASE n.subscriber_status WHEN 1 THEN 'granted' WHEN 3 THEN 'denied' ELSE 'pending' END
         AS state,
       n.change_status_at AS changed_at
FROM {{table(newsletter_subscriber)}} n
JOIN {{table(store)}} v ON v.store_id = n.store_id
WHERE {{in_stores(v.website_id)}}
