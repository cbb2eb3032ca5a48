-- Lines of orders, less what promotions took off each, and its share of what they took off the
-- order's goods. Returned is what was paid back for a return; what was exchanged was kept.
-- Prices are as the shop shows them, with tax or without. Spree itself sells no gift cards.
SELECT {{key(i.order_id)}} AS order_key,
       {{key(v.product_id)}} AS product_key,
       COALESCE(NULLIF(v.sku, ''), NULLIF(m.sku, ''), {{key(v.product_id)}}) AS sku,
       i.quantity AS qty,
       COALESCE(returned.qty, 0) AS qty_refunded,
       i.amount * (1 + COALESCE(whole.amount / NULLIF(i.of_order, 0), 0)) / NULLIF(i.quantity, 0)
         AS unit_paid,
       FALSE AS is_gift_card
FROM (
  SELECT priced.*, SUM(priced.amount) OVER (PARTITION BY priced.order_id) AS of_order
  FROM (
    SELECT l.id, l.order_id, l.variant_id, l.quantity,
           l.price * l.quantity
             + COALESCE(l.adjustment_total, 0) - COALESCE(l.additional_tax_total, 0) AS amount
    FROM {{table(spree_line_items)}} l
  ) priced
) i
JOIN {{table(spree_variants)}} v ON v.id = i.variant_id
LEFT JOIN (
  SELECT DISTINCT ON (product_id) product_id, sku
  FROM {{table(spree_variants)}}
  WHERE is_master
  ORDER BY product_id, deleted_at IS NOT NULL, id
) m ON m.product_id = v.product_id
LEFT JOIN (
  SELECT order_id, SUM(amount) AS amount
  FROM {{table(spree_adjustments)}}
  WHERE adjustable_type = 'Spree::Order' AND source_type = 'Spree::PromotionAction' AND eligible
  GROUP BY order_id
) whole ON whole.order_id = i.order_id
LEFT JOIN (
  SELECT u.line_item_id, SUM(u.quantity) AS qty
  FROM {{table(spree_return_items)}} x
  JOIN {{table(spree_reimbursements)}} b ON b.id = x.reimbursement_id
  JOIN {{table(spree_inventory_units)}} u ON u.id = x.inventory_unit_id
  WHERE b.reimbursement_status = 'reimbursed' AND x.exchange_variant_id IS NULL
  GROUP BY u.line_item_id
) returned ON returned.line_item_id = i.id
