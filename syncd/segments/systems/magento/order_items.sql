-- Lines that customers saw: of a configurable or bundled product the line that bears the
-- price, not those of the parts under it. What it costs is with tax and less discounts, as
-- Magento adds up a line itself. The usual price has tax in it where the website's prices do.
SELECT {{key(i.order_id)}} AS order_key,
       {{key(i.product_id)}} AS product_key,
       COALESCE(NULLIF(i.sku, ''), {{key(i.product_id)}}) AS sku,
       i.qty_ordered - COALESCE(i.qty_canceled, 0) AS qty,
       COALESCE(i.qty_refunded, 0) AS qty_refunded,
       (i.row_total + COALESCE(i.tax_amount, 0) + COALESCE(i.discount_tax_compensation_amount, 0)
        - COALESCE(i.discount_amount, 0)) / NULLIF(i.qty_ordered, 0) AS unit_paid,
       CASE WHEN COALESCE(own.value, everywhere.value, '0') = '1'
            THEN i.price_incl_tax ELSE i.price END <= 0.95 * i.original_price AS on_sale,
       i.product_type = 'giftcard' AS is_gift_card
FROM {{table(sales_order_item)}} i
JOIN {{table(sales_order)}} o ON o.entity_id = i.order_id
JOIN {{table(store)}} v ON v.store_id = o.store_id
LEFT JOIN {{table(core_config_data)}} own
  ON own.path = 'tax/calculation/price_includes_tax'
 AND own.scope = 'websites' AND own.scope_id = v.website_id
LEFT JOIN {{table(core_config_data)}} everywhere
  ON everywhere.path = 'tax/calculation/price_includes_tax' AND everywhere.scope = 'default'
WHERE i.parent_item_id IS NULL
  AND {{in_stores(v.website_id)}}
