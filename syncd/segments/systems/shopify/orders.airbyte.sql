-- Orders, but for tests. When one was made counts, not when it was brought in from elsewhere.
-- What came back is what was paid back, shipping and adjustments included.
SELECT {{key(o.id)}} AS order_key,
       o.customer ->> 'id' AS account,
       o.email,
       COALESCE(o.billing_address ->> 'phone', o.shipping_address ->> 'phone') AS phone,
       o.billing_address ->> 'first_name' AS first_name,
       o.billing_address ->> 'last_name' AS last_name,
       o.billing_address ->> 'country_code' AS country,
       o.billing_address ->> 'zip' AS postcode,
       o.billing_address ->> 'city' AS city,
       o.billing_address ->> 'province_code' AS region,
       o.cancelled_at IS NULL
         AND {{paid(o.financial_status, o.financial_status IN ('paid', 'partially_refunded'))}}
         AS is_paid,
       o.cancelled_at IS NULL AND o.financial_status = 'pending' AS payment_failed,
       COALESCE(o.processed_at, o.created_at) AS placed_at,
       o.currency,
       1 AS fx_to_base,
       o.total_price AS total_base,
       COALESCE(r.refunded, 0) AS refunded_base,
       (SELECT STRING_AGG(c.one ->> 'code', ',' ORDER BY c.one ->> 'code')
        FROM jsonb_array_elements(o.discount_codes) AS c(one)) AS coupon_codes,
       LOWER(o.shipping_address ->> 'last_name') <> LOWER(o.billing_address ->> 'last_name')
         OR o.shipping_address ->> 'zip' <> o.billing_address ->> 'zip' AS ship_to_other,
       SUBSTRING(o.landing_site FROM '[?&]utm_source=([^&#]+)') AS utm_source,
       SUBSTRING(o.landing_site FROM '[?&]utm_medium=([^&#]+)') AS utm_medium,
       SUBSTRING(o.landing_site FROM '[?&]utm_campaign=([^&#]+)') AS utm_campaign
FROM {{table(orders)}} o
LEFT JOIN (
  SELECT f.order_id,
         SUM((SELECT SUM(CAST(t.one ->> 'amount' AS numeric))
              FROM jsonb_array_elements(f.transactions) AS t(one)
              WHERE t.one ->> 'kind' = 'refund' AND t.one ->> 'status' = 'success')) AS refunded
  FROM {{table(order_refunds)}} f
  GROUP BY f.order_id
) r ON r.order_id = o.id
WHERE o.test IS NOT TRUE
  AND o.deleted_at IS NULL
