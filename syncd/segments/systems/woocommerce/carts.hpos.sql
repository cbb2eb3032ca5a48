-- Checkouts that were begun and not paid: drafts of the block checkout, and orders whose
-- payment is pending or failed. Carts proper are in PHP's own format, which no SQL reads.
SELECT {{store_key(o.id)}} AS cart_key,
       {{key(NULLIF(o.customer_id, 0))}} AS account,
       o.billing_email AS email,
       o.date_created_gmt AS created_at,
       o.date_updated_gmt AS updated_at,
       NULL AS completed_at,
       o.currency,
       o.total_amount AS total
FROM {{site(wc_orders)}} o
WHERE o.type = 'shop_order'
  AND o.status IN ('wc-checkout-draft', 'wc-pending', 'wc-failed')
