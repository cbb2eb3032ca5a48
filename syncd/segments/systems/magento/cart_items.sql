-- Lines of quotes, without the parts of configurable and bundled products.
SELECT {{key(i.quote_id)}} AS cart_key,
       {{key(i.product_id)}} AS product_key
FROM {{table(quote_item)}} i
WHERE i.parent_item_id IS NULL
