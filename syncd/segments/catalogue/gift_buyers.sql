-- An order in the last `window` days that was marked as a gift, went to somebody else, or
-- held a gift card.
SELECT DISTINCT paid_order.customer_key
FROM paid_order
JOIN orders ON orders.order_key = paid_order.order_key
WHERE paid_order.placed_at >= {{ago(window)}}
  AND (orders.gift_flag
       OR orders.ship_to_other
       OR orders.order_key IN (SELECT order_key FROM order_items WHERE is_gift_card))
