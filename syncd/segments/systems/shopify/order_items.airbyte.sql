-- Lines of orders, less what discounts of all kinds took off each; what a product usually
-- costs is known of today alone.
SELECT {{key(o.id)}} AS order_key,
       l.one ->> 'product_id' AS product_key,
       COALESCE(NULLIF(l.one ->> 'sku', ''), l.one ->> 'product_id') AS sku,
       CAST(l.one ->> 'quantity' AS numeric) AS qty,
       COALESCE(r.quantity, 0) AS qty_refunded,
       CAST(l.one ->> 'price' AS numeric)
         - COALESCE((SELECT SUM(CAST(d.one ->> 'amount' AS numeric))
                     FROM jsonb_array_elements(l.one -> 'discount_allocations') AS d(one)), 0)
           / NULLIF(CAST(l.one ->> 'quantity' AS numeric), 0) AS unit_paid,
       CAST(l.one ->> 'gift_card' AS boolean) AS is_gift_card
FROM {{table(orders)}} o
CROSS JOIN LATERAL jsonb_array_elements(o.line_items) AS l(one)
LEFT JOIN (
  SELECT b.one ->> 'line_item_id' AS line_id, SUM(CAST(b.one ->> 'quantity' AS numeric)) AS quantity
  FROM {{table(order_refunds)}} f
  CROSS JOIN LATERAL jsonb_array_elements(f.refund_line_items) AS b(one)
  GROUP BY b.one ->> 'line_item_id'
) r ON r.line_id = l.one ->> 'id'
