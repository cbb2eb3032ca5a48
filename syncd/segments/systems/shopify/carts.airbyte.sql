-- Checkouts that were begun; completed where one became an order.
SELECT {{key(k.id)}} AS cart_key,
       k.customer ->> 'id' AS account,
       k.email,
       k.created_at,
       k.updated_at,
       k.completed_at,
       k.currency,
       k.total_price AS total
FROM {{table(abandoned_checkouts)}} k
