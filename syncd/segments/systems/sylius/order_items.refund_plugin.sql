-- Lines of orders. What a line came to has its discounts, codes and added taxes in it. On sale
-- is what was asked below the usual price of its day. The refund plugin names the units that
-- came back, whole or in part. Sylius itself sells no gift cards.
SELECT {{key(i.order_id)}} AS order_key,
       {{key(v.product_id)}} AS product_key,
       v.code AS sku,
       i.quantity AS qty,
       COALESCE(LEAST(i.quantity * r.amount / NULLIF(i.total, 0), i.quantity), 0)
         AS qty_refunded,
       i.total / 100 / NULLIF(i.quantity, 0) AS unit_paid,
       COALESCE(i.unit_price <= 0.95 * i.original_unit_price, FALSE) AS on_sale,
       FALSE AS is_gift_card
FROM {{table(sylius_order_item)}} i
JOIN {{table(sylius_order)}} o ON o.id = i.order_id
JOIN {{table(sylius_product_variant)}} v ON v.id = i.variant_id
LEFT JOIN (
  SELECT unit.order_item_id, SUM(f.amount) AS amount
  FROM {{table(sylius_refund_refund)}} f
  JOIN {{table(sylius_order_item_unit)}} unit ON unit.id = f.refunded_unit_id
  WHERE f.type = 'order_item_unit'
  GROUP BY unit.order_item_id
) r ON r.order_item_id = i.id
WHERE o.state <> 'cart'
