-- Products that were ordered, as the orders stand. What promotions, credits and the like took
-- off is a line below nothing each, and spread over the others; parts of a line are in its
-- price. Prices are with tax, which an order of a customer who sees none adds to its sum. A
-- product that is gone left its number, and that of the one it was a variant of, on the line.
-- Of an order that was refunded whole the lines need not say so: none of them counts. With a
-- LIMIT MariaDB joins what came back once, and not for each line.
SELECT {{key(LOWER(HEX(i.order_id)))}} AS order_key,
       {{key(COALESCE(LOWER(HEX(m.parent_id)), LOWER(HEX(m.id)),
                      JSON_VALUE(i.payload, '$.parentId'), i.referenced_id))}} AS product_key,
       COALESCE(NULLIF(JSON_VALUE(i.payload, '$.productNumber'), ''), i.referenced_id) AS sku,
       i.quantity AS qty,
       COALESCE(b.quantity, 0) AS qty_refunded,
       i.unit_price
         * GREATEST(1 + COALESCE(whole.off / NULLIF(whole.asked, 0), 0), 0)
         * CASE o.tax_status WHEN 'net' THEN COALESCE(o.amount_total / NULLIF(o.amount_net, 0), 1)
                             ELSE 1 END AS unit_paid,
       COALESCE(i.unit_price <= 0.95 * JSON_VALUE(i.price, '$.listPrice.price'), FALSE)
         AS on_sale,
       FALSE AS is_gift_card
FROM {{table(order_line_item)}} i
JOIN {{table(order)}} o ON o.id = i.order_id AND o.version_id = i.order_version_id
LEFT JOIN {{table(product)}} m ON m.id = i.product_id AND m.version_id = i.product_version_id
LEFT JOIN (
  SELECT j.order_id,
         SUM(LEAST(j.total_price, 0)) AS off,
         SUM(GREATEST(j.total_price, 0)) AS asked
  FROM {{table(order_line_item)}} j
  WHERE j.parent_id IS NULL
    AND j.version_id = X'0FA91CE3E96A4BC2BE4BD9CE752C3425'
  GROUP BY j.order_id
) whole ON whole.order_id = i.order_id
LEFT JOIN (
  SELECT q.order_line_item_id, SUM(q.quantity) AS quantity
  FROM {{table(order_transaction_capture_refund_position)}} q
  JOIN {{table(order_transaction_capture_refund)}} f
    ON f.id = q.refund_id AND f.version_id = q.refund_version_id
  JOIN {{table(state_machine_state)}} fs
    ON fs.id = f.state_id AND fs.technical_name = 'completed'
  WHERE q.version_id = X'0FA91CE3E96A4BC2BE4BD9CE752C3425'
  GROUP BY q.order_line_item_id
  LIMIT 18446744073709551615
) b ON b.order_line_item_id = i.id
WHERE i.type = 'product'
  AND i.version_id = X'0FA91CE3E96A4BC2BE4BD9CE752C3425'
  AND {{in_stores(LOWER(HEX(o.sales_channel_id)))}}
