-- Checkouts that were begun; closed where one became an order.
SELECT {{key(k.id)}} AS cart_key,
       {{key(k.customer_id)}} AS account,
       k.email,
       k.created_at,
       k.updated_at,
       k.closed_at AS completed_at,
       k.currency,
       k.total_price AS total
FROM {{table(abandoned_checkout)}} k
WHERE k._fivetran_deleted IS NOT TRUE
