-- Lines of orders that count, without what came back. `spent` is in the currency that all
-- amounts are compared in, in ten-thousandths.
SELECT paid_order.customer_key,
       paid_order.order_key,
       paid_order.placed_at,
       order_items.product_key,
       order_items.sku,
       order_items.qty - COALESCE(order_items.qty_refunded, 0) AS units,
       {{spent(order_items, paid_order.fx_to_base)}} AS spent
FROM paid_order
JOIN order_items ON order_items.order_key = paid_order.order_key
WHERE order_items.qty > COALESCE(order_items.qty_refunded, 0)
