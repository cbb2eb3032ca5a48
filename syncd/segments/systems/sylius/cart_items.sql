-- Lines of carts, which are orders that were not placed.
SELECT {{key(i.order_id)}} AS cart_key,
       {{key(v.product_id)}} AS product_key
FROM {{table(sylius_order_item)}} i
JOIN {{table(sylius_order)}} k ON k.id = i.order_id
JOIN {{table(sylius_product_variant)}} v ON v.id = i.variant_id
WHERE k.state = 'cart'
