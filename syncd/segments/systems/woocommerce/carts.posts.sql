-- Checkouts that were begun and not paid: drafts of the block checkout, and orders whose
-- payment is pending or failed. Carts proper are in PHP's own format, which no SQL reads.
SELECT {{store_key(o.ID)}} AS cart_key,
       {{key(NULLIF(m.customer_user, '0'))}} AS account,
       m.email,
       o.post_date_gmt AS created_at,
       o.post_modified_gmt AS updated_at,
       NULL AS completed_at,
       m.currency,
       m.total
FROM {{site(posts)}} o
JOIN (
  SELECT post_id,
         MAX(CASE WHEN meta_key = '_customer_user' THEN meta_value END) AS customer_user,
         MAX(CASE WHEN meta_key = '_billing_email' THEN meta_value END) AS email,
         MAX(CASE WHEN meta_key = '_order_currency' THEN meta_value END) AS currency,
         CAST(MAX(CASE WHEN meta_key = '_order_total' THEN meta_value END) AS DECIMAL(26, 8))
           AS total
  FROM {{site(postmeta)}}
  GROUP BY post_id
) m ON m.post_id = o.ID
WHERE o.post_type = 'shop_order'
  AND o.post_status IN ('wc-checkout-draft', 'wc-pending', 'wc-failed')
