-- Checkouts with something in them, and what that costs without delivery. They are gone once
-- they are ordered; those that an app chose to keep are known by the order.
SELECT {{key(k.token)}} AS cart_key,
       {{key(k.user_id)}} AS account,
       COALESCE(NULLIF(k.email, ''), u.email) AS email,
       k.created_at,
       k.last_change AS updated_at,
       ordered.at AS completed_at,
       k.currency,
       NULLIF(k.subtotal_gross_amount, 0) AS total
FROM {{table(checkout_checkout)}} k
JOIN {{table(channel_channel)}} c ON c.id = k.channel_id
LEFT JOIN {{table(account_user)}} u ON u.id = k.user_id
LEFT JOIN (
  SELECT o.checkout_token, MIN(o.created_at) AS at
  FROM {{table(order_order)}} o
  WHERE o.checkout_token <> ''
  GROUP BY o.checkout_token
) ordered ON ordered.checkout_token = {{key(k.token)}}
WHERE {{in_stores(c.slug)}}
  AND EXISTS (
    SELECT 1 FROM {{table(checkout_checkoutline)}} l WHERE l.checkout_id = k.token AND NOT l.is_gift
  )
