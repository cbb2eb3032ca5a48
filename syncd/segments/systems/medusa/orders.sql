-- Orders with the totals of their newest version. What was paid is what was captured; the
-- status says nothing on that, but a cancelled order is none. There are no rates of exchange:
-- amounts count as they stand.
SELECT {{key(o.id)}} AS order_key,
       CASE WHEN NOT c.has_account AND c.deleted_at IS NULL THEN NULL
            ELSE {{key(o.customer_id)}} END AS account,
       o.email,
       b.phone,
       b.first_name,
       b.last_name,
       UPPER(b.country_code) AS country,
       b.postal_code AS postcode,
       b.city,
       b.province AS region,
       o.status <> 'canceled' AND COALESCE(t.paid, 0) > 0 AS is_paid,
       o.status <> 'canceled' AND COALESCE(t.paid, 0) = 0 AS payment_failed,
       o.created_at AS placed_at,
       UPPER(o.currency_code) AS currency,
       1 AS fx_to_base,
       CASE WHEN t.paid > 0 THEN t.paid ELSE t.due END AS total_base,
       COALESCE(t.refunded, 0) AS refunded_base,
       d.codes AS coupon_codes,
       LOWER(CONCAT(s.first_name, s.last_name)) <> LOWER(CONCAT(b.first_name, b.last_name))
         OR s.postal_code <> b.postal_code AS ship_to_other
FROM {{table(order)}} o
LEFT JOIN {{table(customer)}} c ON c.id = o.customer_id
LEFT JOIN {{table(order_address)}} b ON b.id = o.billing_address_id
LEFT JOIN {{table(order_address)}} s ON s.id = o.shipping_address_id
LEFT JOIN (
  SELECT order_id, version,
         CAST(totals ->> 'paid_total' AS numeric) AS paid,
         CAST(totals ->> 'refunded_total' AS numeric) AS refunded,
         CAST(totals ->> 'current_order_total' AS numeric) AS due
  FROM {{table(order_summary)}}
  WHERE deleted_at IS NULL
) t ON t.order_id = o.id AND t.version = o.version
LEFT JOIN (
  SELECT i.order_id, STRING_AGG(DISTINCT j.code, ',') AS codes
  FROM {{table(order_item)}} i
  JOIN {{table(order_line_item_adjustment)}} j ON j.item_id = i.item_id
  WHERE j.code IS NOT NULL AND j.deleted_at IS NULL AND i.deleted_at IS NULL
  GROUP BY i.order_id
) d ON d.order_id = o.id
WHERE o.deleted_at IS NULL
  AND o.is_draft_order IS NOT TRUE
  AND {{in_stores(o.sales_channel_id)}}
