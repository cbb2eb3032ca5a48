-- Lines of orders in their newest version, less what promotions took off each. On sale is what
-- stood beside a higher price. Prices are as the shop shows them, with tax or without.
SELECT {{key(i.order_id)}} AS order_key,
       {{key(l.product_id)}} AS product_key,
       COALESCE(NULLIF(l.variant_sku, ''), {{key(l.product_id)}}) AS sku,
       i.quantity AS qty,
       COALESCE(i.return_received_quantity, 0) AS qty_refunded,
       COALESCE(i.unit_price, l.unit_price) - COALESCE(off.amount, 0) / NULLIF(i.quantity, 0)
         AS unit_paid,
       COALESCE(COALESCE(i.unit_price, l.unit_price)
                <= 0.95 * COALESCE(i.compare_at_unit_price, l.compare_at_unit_price), FALSE)
         AS on_sale,
       COALESCE(p.is_giftcard, FALSE) AS is_gift_card
FROM {{table(order_item)}} i
JOIN {{table(order)}} o ON o.id = i.order_id AND o.version = i.version
JOIN {{table(order_line_item)}} l ON l.id = i.item_id
LEFT JOIN {{table(product)}} p ON p.id = l.product_id
LEFT JOIN (
  SELECT j.item_id, SUM(j.amount) AS amount
  FROM {{table(order_line_item_adjustment)}} j
  WHERE j.deleted_at IS NULL
  GROUP BY j.item_id
) off ON off.item_id = i.item_id
WHERE i.deleted_at IS NULL
