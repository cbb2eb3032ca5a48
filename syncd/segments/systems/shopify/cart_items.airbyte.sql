-- Lines of checkouts that were begun.
SELECT {{key(k.id)}} AS cart_key,
       l.one ->> 'product_id' AS product_key
FROM {{table(abandoned_checkouts)}} k
CROSS JOIN LATERAL jsonb_array_elements(k.line_items) AS l(one)
