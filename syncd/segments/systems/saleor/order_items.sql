-- Lines of orders, but for what a promotion gave away, at what was paid for one. What came
-- back was sent back, or a refund was granted for it, often both. On sale is what stood below
-- its usual price; a code for the line may be in that price too, and makes no sale alone.
-- Lines of before both prices were kept have neither.
SELECT {{key(l.order_id)}} AS order_key,
       {{key(v.product_id)}} AS product_key,
       COALESCE(NULLIF(l.product_sku, ''), {{key(v.product_id)}}) AS sku,
       l.quantity AS qty,
       GREATEST(COALESCE(sent.quantity, 0), COALESCE(granted.quantity, 0)) AS qty_refunded,
       l.total_price_gross_amount / NULLIF(l.quantity, 0) AS unit_paid,
       l.undiscounted_base_unit_price_amount > 0
         AND l.base_unit_price_amount <= 0.95 * l.undiscounted_base_unit_price_amount
         AND (COALESCE(l.voucher_code, '') = '' OR COALESCE(l.sale_id, '') <> '') AS on_sale,
       l.is_gift_card
FROM {{table(order_orderline)}} l
LEFT JOIN {{table(product_productvariant)}} v ON v.id = l.variant_id
LEFT JOIN (
  SELECT f.order_line_id, SUM(f.quantity) AS quantity
  FROM {{table(order_fulfillmentline)}} f
  JOIN {{table(order_fulfillment)}} p ON p.id = f.fulfillment_id
  WHERE p.status IN ('returned', 'refunded', 'refunded_and_returned')
  GROUP BY f.order_line_id
) sent ON sent.order_line_id = l.id
LEFT JOIN (
  SELECT g.order_line_id, SUM(g.quantity) AS quantity
  FROM {{table(order_ordergrantedrefundline)}} g
  GROUP BY g.order_line_id
) granted ON granted.order_line_id = l.id
WHERE NOT l.is_gift
