-- Lines of checkouts, but for what a promotion gives away.
SELECT {{key(l.checkout_id)}} AS cart_key,
       {{key(v.product_id)}} AS product_key
FROM {{table(checkout_checkoutline)}} l
JOIN {{table(product_productvariant)}} v ON v.id = l.variant_id
WHERE NOT l.is_gift
