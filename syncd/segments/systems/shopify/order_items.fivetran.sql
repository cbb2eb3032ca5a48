-- Lines of orders. What discounts took off an order is spread over its lines by their prices;
-- what a product usually costs is known of today alone.
SELECT {{key(l.order_id)}} AS order_key,
       {{key(l.product_id)}} AS product_key,
       COALESCE(NULLIF(l.sku, ''), {{key(l.product_id)}}) AS sku,
       l.quantity AS qty,
       COALESCE(r.quantity, 0) AS qty_refunded,
       CAST(l.price AS numeric)
         * COALESCE(CAST(o.subtotal_price AS numeric)
                    / NULLIF(CAST(o.total_line_items_price AS numeric), 0), 1) AS unit_paid,
       l.gift_card AS is_gift_card
FROM {{table(order_line)}} l
JOIN {{table(order)}} o ON o.id = l.order_id
LEFT JOIN (
  SELECT order_line_id, SUM(quantity) AS quantity
  FROM {{table(order_line_refund)}}
  GROUP BY order_line_id
) r ON r.order_line_id = l.id
