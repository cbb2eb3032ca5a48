-- Lines of orders, whichever way orders are kept. A refund has lines of its own, with a
-- negative quantity and the number of the line that they take back. A line knows its
-- product, not the product's number, nor what the product usually costs. WooCommerce itself
-- sells no gift cards.
SELECT {{store_key(i.order_id)}} AS order_key,
       {{store_key(m.product_id)}} AS product_key,
       CAST(COALESCE(NULLIF(variation.meta_value, ''), NULLIF(product.meta_value, ''),
                     {{store_key(m.product_id)}}) AS CHAR(190)) AS sku,
       m.qty,
       COALESCE(r.qty_refunded, 0) AS qty_refunded,
       m.paid / NULLIF(m.qty, 0) AS unit_paid,
       FALSE AS is_gift_card
FROM {{site(woocommerce_order_items)}} i
JOIN (
  SELECT order_item_id,
         CAST(MAX(CASE WHEN meta_key = '_product_id' THEN meta_value END) AS UNSIGNED)
           AS product_id,
         CAST(MAX(CASE WHEN meta_key = '_variation_id' THEN meta_value END) AS UNSIGNED)
           AS variation_id,
         CAST(MAX(CASE WHEN meta_key = '_qty' THEN meta_value END) AS DECIMAL(26, 8)) AS qty,
         SUM(CASE WHEN meta_key IN ('_line_total', '_line_tax')
                  THEN CAST(meta_value AS DECIMAL(26, 8)) END) AS paid
  FROM {{site(woocommerce_order_itemmeta)}}
  WHERE meta_key IN ('_product_id', '_variation_id', '_qty', '_line_total', '_line_tax')
  GROUP BY order_item_id
) m ON m.order_item_id = i.order_item_id
LEFT JOIN (
  SELECT CAST(back.meta_value AS UNSIGNED) AS order_item_id,
         -SUM(CAST(q.meta_value AS DECIMAL(26, 8))) AS qty_refunded
  FROM {{site(woocommerce_order_itemmeta)}} back
  JOIN {{site(woocommerce_order_itemmeta)}} q
    ON q.order_item_id = back.order_item_id AND q.meta_key = '_qty'
  WHERE back.meta_key = '_refunded_item_id'
  GROUP BY CAST(back.meta_value AS UNSIGNED)
) r ON r.order_item_id = i.order_item_id
LEFT JOIN {{site(postmeta)}} variation
  ON variation.post_id = m.variation_id AND variation.meta_key = '_sku'
LEFT JOIN {{site(postmeta)}} product
  ON product.post_id = m.product_id AND product.meta_key = '_sku'
WHERE i.order_item_type = 'line_item'
