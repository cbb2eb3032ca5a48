-- Orders that count: paid, not refunded whole, before `as_of`, of someone not erased.
-- `paid` is net of refunds, in ten-thousandths: sums of whole numbers are the same on
-- every engine and in every order.
SELECT orders.order_key,
       orders.customer_key,
       orders.placed_at,
       {{ten_thousandths(orders.total_base - COALESCE(orders.refunded_base, 0))}} AS paid
FROM orders
JOIN person ON person.customer_key = orders.customer_key
WHERE orders.is_paid
  AND orders.total_base - COALESCE(orders.refunded_base, 0) > 0
  AND orders.placed_at < :as_of
