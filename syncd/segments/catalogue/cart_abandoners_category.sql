-- A cart that was left, as for cart_abandoners, with something of a category in it, or of
-- one under it.
SELECT DISTINCT left_cart.customer_key
FROM left_cart
JOIN cart_items ON cart_items.cart_key = left_cart.cart_key
WHERE left_cart.updated_at > {{ago(max)}}
  AND left_cart.updated_at <= {{ago(min)}}
  AND cart_items.product_key IN (
    SELECT product_key
    FROM product_categories
    WHERE {{folded(category_name)}} = {{folded(:category)}} OR {{within(path, category)}}
  )
