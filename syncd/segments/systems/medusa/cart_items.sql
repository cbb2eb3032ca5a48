-- Lines of carts.
SELECT {{key(i.cart_id)}} AS cart_key,
       {{key(i.product_id)}} AS product_key
FROM {{table(cart_line_item)}} i
WHERE i.deleted_at IS NULL
