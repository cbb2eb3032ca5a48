-- A cart that was left, as for cart_abandoners, with one of some products in it.
SELECT DISTINCT left_cart.customer_key
FROM left_cart
JOIN cart_items ON cart_items.cart_key = left_cart.cart_key
JOIN products ON products.product_key = cart_items.product_key
WHERE left_cart.updated_at > {{ago(max)}}
  AND left_cart.updated_at <= {{ago(min)}}
  AND {{one_of(products.sku, products)}}
