-- Lines of carts, which are those of orders too.
SELECT {{key(i.order_id)}} AS cart_key,
       {{key(v.product_id)}} AS product_key
FROM {{table(spree_line_items)}} i
JOIN {{table(spree_variants)}} v ON v.id = i.variant_id
