-- Lines of checkouts that were begun.
SELECT {{key(l.checkout_id)}} AS cart_key,
       {{key(l.product_id)}} AS product_key
FROM {{table(abandoned_checkout_line)}} l
