-- Carts with something in them, which stay the same row once they are ordered; and what that
-- costs without delivery.
SELECT {{key(k.id)}} AS cart_key,
       {{key(k.user_id)}} AS account,
       k.email,
       k.created_at,
       k.updated_at,
       k.completed_at,
       k.currency,
       k.item_total AS total
FROM {{table(spree_orders)}} k
WHERE k.item_count > 0
  AND {{in_stores(k.store_id)}}
