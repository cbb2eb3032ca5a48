-- A cart that was left, as for cart_abandoners, whose total lies at most `below` under the
-- amount from which delivery is free.
SELECT DISTINCT left_cart.customer_key
FROM left_cart
JOIN carts ON carts.cart_key = left_cart.cart_key
WHERE left_cart.updated_at > {{ago(max)}}
  AND left_cart.updated_at <= {{ago(min)}}
  AND {{one_of(carts.currency, currency)}}
  AND {{ten_thousandths(carts.total)}} < :threshold * 10000
  AND {{ten_thousandths(carts.total)}} >= :threshold * 10000 * (1 - :below)
