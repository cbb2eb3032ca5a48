-- Orders among the posts, as before "high-performance order storage". Refunds are posts too,
-- with a negative total, and only lower the order that they refund. Where the new storage is
-- in charge these posts may be stale: then nothing is read.
SELECT {{store_key(o.ID)}} AS order_key,
       {{key(NULLIF(m.customer_user, '0'))}} AS account,
       m.email,
       m.phone, m.first_name, m.last_name, m.country, m.postcode, m.city, m.region,
       {{paid(o.post_status, o.post_status IN ('wc-processing', 'wc-completed')
               OR m.date_paid IS NOT NULL
              AND o.post_status NOT IN ('wc-cancelled', 'wc-failed', 'wc-refunded'))}} AS is_paid,
       o.post_status IN ('wc-pending', 'wc-failed') AS payment_failed,
       o.post_date_gmt AS placed_at,
       m.currency,
       1 AS fx_to_base,
       m.total AS total_base,
       COALESCE(r.refunded, 0) AS refunded_base,
       (SELECT GROUP_CONCAT(i.order_item_name ORDER BY i.order_item_id)
        FROM {{site(woocommerce_order_items)}} i
        WHERE i.order_id = o.ID AND i.order_item_type = 'coupon') AS coupon_codes,
       COALESCE(m.ship_last_name, '') <> ''
         AND LOWER(CONCAT(COALESCE(m.ship_first_name, ''), m.ship_last_name))
          <> LOWER(CONCAT(COALESCE(m.first_name, ''), COALESCE(m.last_name, ''))) AS ship_to_other,
       m.utm_source,
       m.utm_medium,
       m.utm_campaign
FROM {{site(posts)}} o
JOIN (
  SELECT post_id,
         MAX(CASE WHEN meta_key = '_customer_user' THEN meta_value END) AS customer_user,
         MAX(CASE WHEN meta_key = '_billing_email' THEN meta_value END) AS email,
         MAX(CASE WHEN meta_key = '_billing_phone' THEN meta_value END) AS phone,
         MAX(CASE WHEN meta_key = '_billing_first_name' THEN meta_value END) AS first_name,
         MAX(CASE WHEN meta_key = '_billing_last_name' THEN meta_value END) AS last_name,
         MAX(CASE WHEN meta_key = '_billing_country' THEN meta_value END) AS country,
         MAX(CASE WHEN meta_key = '_billing_postcode' THEN meta_value END) AS postcode,
         MAX(CASE WHEN meta_key = '_billing_city' THEN meta_value END) AS city,
         MAX(CASE WHEN meta_key = '_billing_state' THEN meta_value END) AS region,
         MAX(CASE WHEN meta_key = '_shipping_first_name' THEN meta_value END) AS ship_first_name,
         MAX(CASE WHEN meta_key = '_shipping_last_name' THEN meta_value END) AS ship_last_name,
         MAX(CASE WHEN meta_key = '_order_currency' THEN meta_value END) AS currency,
         MAX(CASE WHEN meta_key = '_date_paid' THEN NULLIF(meta_value, '') END) AS date_paid,
         CAST(MAX(CASE WHEN meta_key = '_order_total' THEN meta_value END) AS DECIMAL(26, 8))
           AS total,
         MAX(CASE WHEN meta_key = '_wc_order_attribution_utm_source' THEN meta_value END)
           AS utm_source,
         MAX(CASE WHEN meta_key = '_wc_order_attribution_utm_medium' THEN meta_value END)
           AS utm_medium,
         MAX(CASE WHEN meta_key = '_wc_order_attribution_utm_campaign' THEN meta_value END)
           AS utm_campaign
  FROM {{site(postmeta)}}
  GROUP BY post_id
) m ON m.post_id = o.ID
LEFT JOIN (
  SELECT p.post_parent, -SUM(CAST(t.meta_value AS DECIMAL(26, 8))) AS refunded
  FROM {{site(posts)}} p
  JOIN {{site(postmeta)}} t ON t.post_id = p.ID AND t.meta_key = '_order_total'
  WHERE p.post_type = 'shop_order_refund'
  GROUP BY p.post_parent
) r ON r.post_parent = o.ID
WHERE o.post_type = 'shop_order'
  AND o.post_status NOT IN ('trash', 'auto-draft', 'wc-checkout-draft')
  AND NOT EXISTS (SELECT 1 FROM {{site(options)}}
                  WHERE option_name = 'woocommerce_custom_orders_table_enabled'
                    AND option_value = 'yes')
