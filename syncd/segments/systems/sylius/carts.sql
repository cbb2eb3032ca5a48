-- Carts with something in them: orders that were not placed. Once placed they are carts no more.
SELECT {{key(k.id)}} AS cart_key,
       CASE WHEN u.id IS NOT NULL THEN {{key(k.customer_id)}}
            WHEN k.created_by_guest = 1 THEN NULL
            ELSE 'deleted' END AS account,
       c.email,
       {{utc(k.created_at)}} AS created_at,
       {{utc(COALESCE(k.updated_at, k.created_at))}} AS updated_at,
       CAST(NULL AS DATETIME) AS completed_at,
       k.currency_code AS currency,
       k.items_total / 100 AS total
FROM {{table(sylius_order)}} k
LEFT JOIN {{table(sylius_channel)}} ch ON ch.id = k.channel_id
LEFT JOIN {{table(sylius_customer)}} c ON c.id = k.customer_id
LEFT JOIN {{table(sylius_shop_user)}} u ON u.customer_id = k.customer_id
WHERE k.state = 'cart'
  AND {{in_stores(ch.code)}}
  AND k.id IN (SELECT i.order_id FROM {{table(sylius_order_item)}} i)
