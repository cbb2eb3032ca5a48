-- An order in the last `window` days that was marked as a gift, went to somebody else, or
-- held a gift card.
SELECT DISTINCT paid_order.customer_key
FROM paid_order
WHERE paid_order.placed_at >= {{ago(window)}}
  AND (paid_order.gift_flag
       OR paid_order.ship_to_other
       OR paid_order.order_key IN (SELECT order_key FROM order_items WHERE is_gift_card))
