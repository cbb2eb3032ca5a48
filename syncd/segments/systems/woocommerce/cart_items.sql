-- Lines of checkouts that were begun: they are lines of orders, and of drafts of orders.
SELECT {{store_key(i.order_id)}} AS cart_key,
       {{store_key(CAST(m.meta_value AS UNSIGNED))}} AS product_key
FROM {{site(woocommerce_order_items)}} i
JOIN {{site(woocommerce_order_itemmeta)}} m
  ON m.order_item_id = i.order_item_id AND m.meta_key = '_product_id'
WHERE i.order_item_type = 'line_item'
