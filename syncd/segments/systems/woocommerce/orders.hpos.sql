-- Orders in tables of their own ("high-performance order storage"). Refunds are orders too,
-- with a negative total, and only lower the one that they refund. Where the other storage
-- is in charge these tables may be there and be stale: then nothing is read.
SELECT {{store_key(o.id)}} AS order_key,
       {{key(NULLIF(o.customer_id, 0))}} AS account,
       o.billing_email AS email,
       b.phone, b.first_name, b.last_name, b.country, b.postcode, b.city, b.state AS region,
       {{paid(o.status, o.status IN ('wc-processing', 'wc-completed')
               OR d.date_paid_gmt IS NOT NULL
              AND o.status NOT IN ('wc-cancelled', 'wc-failed', 'wc-refunded'))}} AS is_paid,
       o.status IN ('wc-pending', 'wc-failed') AS payment_failed,
       o.date_created_gmt AS placed_at,
       o.currency,
       1 AS fx_to_base,
       o.total_amount AS total_base,
       COALESCE(r.refunded, 0) AS refunded_base,
       (SELECT GROUP_CONCAT(i.order_item_name ORDER BY i.order_item_id)
        FROM {{site(woocommerce_order_items)}} i
        WHERE i.order_id = o.id AND i.order_item_type = 'coupon') AS coupon_codes,
       COALESCE(s.last_name, '') <> ''
         AND LOWER(CONCAT(COALESCE(s.first_name, ''), s.last_name))
          <> LOWER(CONCAT(COALESCE(b.first_name, ''), COALESCE(b.last_name, ''))) AS ship_to_other,
       (SELECT MAX(m.meta_value) FROM {{site(wc_orders_meta)}} m
        WHERE m.order_id = o.id AND m.meta_key = '_wc_order_attribution_utm_source') AS utm_source,
       (SELECT MAX(m.meta_value) FROM {{site(wc_orders_meta)}} m
        WHERE m.order_id = o.id AND m.meta_key = '_wc_order_attribution_utm_medium') AS utm_medium,
       (SELECT MAX(m.meta_value) FROM {{site(wc_orders_meta)}} m
        WHERE m.order_id = o.id AND m.meta_key = '_wc_order_attribution_utm_campaign')
         AS utm_campaign
FROM {{site(wc_orders)}} o
LEFT JOIN {{site(wc_order_operational_data)}} d ON d.order_id = o.id
LEFT JOIN {{site(wc_order_addresses)}} b ON b.order_id = o.id AND b.address_type = 'billing'
LEFT JOIN {{site(wc_order_addresses)}} s ON s.order_id = o.id AND s.address_type = 'shipping'
LEFT JOIN (
  SELECT parent_order_id, -SUM(total_amount) AS refunded
  FROM {{site(wc_orders)}}
  WHERE type = 'shop_order_refund'
  GROUP BY parent_order_id
) r ON r.parent_order_id = o.id
WHERE o.type = 'shop_order'
  AND o.status NOT IN ('trash', 'auto-draft', 'wc-checkout-draft')
  AND EXISTS (SELECT 1 FROM {{site(options)}}
              WHERE option_name = 'woocommerce_custom_orders_table_enabled'
                AND option_value = 'yes')
