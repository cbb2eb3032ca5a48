-- Lines of the orders that a checkout was split into, without those parts that were not paid.
-- A line costs what its price is, less its share of what codes took off the order's goods;
-- a rule that gave free delivery took that off too. PrestaShop itself sells no gift cards.
-- Newer versions count what was sent back as refunded too, older ones do not.
SELECT {{key(COALESCE(o.reference, o.id_order))}} AS order_key,
       {{key(i.product_id)}} AS product_key,
       COALESCE(NULLIF(i.product_reference, ''), {{key(i.product_id)}}) AS sku,
       i.product_quantity AS qty,
       GREATEST(i.product_quantity_refunded, i.product_quantity_return) AS qty_refunded,
       i.unit_price_tax_incl
         * (1 - COALESCE(GREATEST(o.total_discounts_tax_incl
                                  - CASE WHEN free.id_order IS NULL THEN 0
                                         ELSE o.total_shipping_tax_incl END, 0)
                         / NULLIF(o.total_products_wt, 0), 0)) AS unit_paid,
       i.unit_price_tax_excl <= 0.95 * i.original_product_price AS on_sale,
       FALSE AS is_gift_card
FROM {{table(order_detail)}} i
JOIN {{table(orders)}} o ON o.id_order = i.id_order
JOIN {{table(order_state)}} os ON os.id_order_state = o.current_state
LEFT JOIN (
  SELECT DISTINCT oc.id_order
  FROM {{table(order_cart_rule)}} oc
  WHERE oc.free_shipping = 1
) free ON free.id_order = o.id_order
WHERE {{in_stores(o.id_shop)}}
  AND {{paid(o.current_state, os.paid = 1)}}
