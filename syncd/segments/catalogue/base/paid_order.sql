-- Orders that count: paid, not refunded whole, before `as_of`, of someone not erased.
-- `paid` is net of refunds, in ten-thousandths: sums of whole numbers are the same on
-- every engine and in every order. An optional column of `orders` is here as well where it
-- is asked for as `paid_order.NAME`: to look orders up again would cost as much as all else.
SELECT {{key_of(orders.order_key)}} AS order_key,
       {{key_of(orders.customer_key)}} AS customer_key,
       orders.placed_at,
       {{ten_thousandths(orders.total_base - COALESCE(orders.refunded_base, 0))}} AS paid
FROM orders
JOIN customers ON customers.customer_key = orders.customer_key
WHERE customers.deleted IS NOT TRUE
  AND orders.is_paid
  AND orders.total_base - COALESCE(orders.refunded_base, 0) > 0
  AND orders.placed_at < :as_of
