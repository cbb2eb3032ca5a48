-- Orders, but for tests. When one was made counts, not when it was brought in from elsewhere.
-- What came back is what was paid back, shipping and adjustments included.
SELECT {{key(o.id)}} AS order_key,
       {{key(o.customer_id)}} AS account,
       o.email,
       COALESCE(o.billing_address_phone, o.shipping_address_phone) AS phone,
       o.billing_address_first_name AS first_name,
       o.billing_address_last_name AS last_name,
       o.billing_address_country_code AS country,
       o.billing_address_zip AS postcode,
       o.billing_address_city AS city,
       o.billing_address_province_code AS region,
       o.cancelled_at IS NULL
         AND {{paid(o.financial_status, o.financial_status IN ('paid', 'partially_refunded'))}}
         AS is_paid,
       o.cancelled_at IS NULL AND o.financial_status = 'pending' AS payment_failed,
       COALESCE(o.processed_at, o.created_at) AS placed_at,
       o.currency,
       1 AS fx_to_base,
       o.total_price AS total_base,
       COALESCE(r.refunded, 0) AS refunded_base,
       d.codes AS coupon_codes,
       LOWER(o.shipping_address_last_name) <> LOWER(o.billing_address_last_name)
         OR o.shipping_address_zip <> o.billing_address_zip AS ship_to_other,
       u.utm_source,
       u.utm_medium,
       u.utm_campaign
FROM {{table(order)}} o
LEFT JOIN (
  SELECT order_id, SUM(amount) AS refunded
  FROM {{table(transaction)}}
  WHERE kind = 'refund' AND status = 'success'
  GROUP BY order_id
) r ON r.order_id = o.id
LEFT JOIN (
  SELECT order_id, STRING_AGG(code, ',' ORDER BY code) AS codes
  FROM {{table(order_discount_code)}}
  GROUP BY order_id
) d ON d.order_id = o.id
LEFT JOIN (
  SELECT order_id,
         MAX(CASE WHEN key = 'utm_source' THEN value END) AS utm_source,
         MAX(CASE WHEN key = 'utm_medium' THEN value END) AS utm_medium,
         MAX(CASE WHEN key = 'utm_campaign' THEN value END) AS utm_campaign
  FROM {{table(order_url_tag)}}
  GROUP BY order_id
) u ON u.order_id = o.id
WHERE o.test IS NOT TRUE
  AND o._fivetran_deleted IS NOT TRUE
