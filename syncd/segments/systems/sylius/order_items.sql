-- Lines of orders. What a line came to has its discounts, codes and added taxes in it. On sale
-- is what was asked below the usual price of its day. A payment that was paid back names no
-- lines: each has come back by the order's share. Sylius itself sells no gift cards.
SELECT {{key(i.order_id)}} AS order_key,
       {{key(v.product_id)}} AS product_key,
       v.code AS sku,
       i.quantity AS qty,
       COALESCE(LEAST(i.quantity * r.amount / NULLIF(o.total, 0), i.quantity), 0)
         AS qty_refunded,
       i.total / 100 / NULLIF(i.quantity, 0) AS unit_paid,
       COALESCE(i.unit_price <= 0.95 * i.original_unit_price, FALSE) AS on_sale,
       FALSE AS is_gift_card
FROM {{table(sylius_order_item)}} i
JOIN {{table(sylius_order)}} o ON o.id = i.order_id
JOIN {{table(sylius_product_variant)}} v ON v.id = i.variant_id
LEFT JOIN (
  SELECT order_id, SUM(amount) AS amount
  FROM {{table(sylius_payment)}}
  WHERE state = 'refunded'
  GROUP BY order_id
) r ON r.order_id = o.id
WHERE o.state <> 'cart'
