-- Subscriptions to the newsletter, of guests too. One counts once it was confirmed, and of an
-- account that says no it is a no, of which nobody knows the moment. An account that says yes
-- and never subscribed in any store said so, at no known moment. Who left has no row any more.
SELECT {{key(n.user_id)}} AS account,
       n.email,
       '{{channel()}}' AS channel,
       CASE WHEN n.verified_at IS NULL THEN 'pending'
            WHEN NOT c.accepts_mail THEN 'denied'
            ELSE 'granted' END AS state,
       CASE WHEN c.accepts_mail IS NOT FALSE THEN n.verified_at END AS changed_at
FROM {{table(spree_newsletter_subscribers)}} n
LEFT JOIN shop_customers c ON c.source_id = {{key(n.user_id)}}
WHERE ({{in_stores(to_jsonb(n) ->> 'store_id')}}) IS NOT FALSE
UNION ALL
SELECT c.source_id,
       c.email,
       '{{channel()}}',
       'granted',
       CAST(NULL AS timestamp)
FROM shop_customers c
WHERE c.accepts_mail
  AND c.source_id NOT IN (SELECT {{key(n.user_id)}} FROM {{table(spree_newsletter_subscribers)}} n
                          WHERE n.user_id IS NOT NULL)
