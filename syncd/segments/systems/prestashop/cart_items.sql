-- What is in carts; what it would cost is not kept.
SELECT {{key(p.id_cart)}} AS cart_key,
       {{key(p.id_product)}} AS product_key
FROM {{table(cart_product)}} p
