-- Orders as they stand: staff who edit one work on a copy, of another version. The state of an
-- order says nothing on payment, but a cancelled one is none. Of several payments the newest
-- counts that did not fail and was not given up. An order without its customer had one who
-- was deleted. Its rate is what one unit of the shop's own currency was in the order's. What is
-- looked up is one row an order each, so that MariaDB leaves out what nobody asks for; with a
-- LIMIT it joins tables for that once, and not for each order.
SELECT {{key(LOWER(HEX(o.id)))}} AS order_key,
       CASE WHEN c.id IS NULL THEN 'deleted'
            WHEN c.guest = 0 THEN {{key(LOWER(HEX(c.id)))}} END AS account,
       oc.email,
       b.phone_number AS phone,
       b.first_name,
       b.last_name,
       n.iso AS country,
       b.zipcode AS postcode,
       b.city,
       st.name AS region,
       os.technical_name <> 'cancelled'
         AND COALESCE({{paid(p.state, p.state IN ('paid', 'refunded', 'refunded_partially'))}},
                      FALSE) AS is_paid,
       os.technical_name <> 'cancelled'
         AND COALESCE(p.state IN ('open', 'reminded', 'unconfirmed', 'in_progress', 'failed',
                                  'cancelled'), FALSE) AS payment_failed,
       o.order_date_time AS placed_at,
       cur.iso_code AS currency,
       1 / COALESCE(NULLIF(o.currency_factor, 0), 1) AS fx_to_base,
       o.amount_total / COALESCE(NULLIF(o.currency_factor, 0), 1) AS total_base,
       CASE p.state WHEN 'refunded' THEN o.amount_total ELSE COALESCE(r.refunded, 0) END
         / COALESCE(NULLIF(o.currency_factor, 0), 1) AS refunded_base,
       d.codes AS coupon_codes,
       COALESCE(sent.elsewhere, 0) = 1 AS ship_to_other
FROM {{table(order)}} o
JOIN {{table(state_machine_state)}} os ON os.id = o.state_id
LEFT JOIN {{table(order_customer)}} oc
  ON oc.order_id = o.id AND oc.order_version_id = o.version_id
LEFT JOIN {{table(customer)}} c ON c.id = oc.customer_id
LEFT JOIN {{table(order_address)}} b
  ON b.id = o.billing_address_id AND b.version_id = o.billing_address_version_id
LEFT JOIN {{table(country)}} n ON n.id = b.country_id
LEFT JOIN {{table(country_state_translation)}} st
  ON st.country_state_id = b.country_state_id
 AND st.language_id = X'2FBB5FE2E29A4D70AA5854CE7CE3E20B'
LEFT JOIN {{table(currency)}} cur ON cur.id = o.currency_id
LEFT JOIN (
  SELECT t.order_id,
         SUBSTRING_INDEX(GROUP_CONCAT(
           ts.technical_name
           ORDER BY ts.technical_name IN ('failed', 'cancelled'), t.created_at DESC, t.id
         ), ',', 1) AS state
  FROM {{table(order_transaction)}} t
  JOIN {{table(state_machine_state)}} ts ON ts.id = t.state_id
  WHERE t.version_id = X'0FA91CE3E96A4BC2BE4BD9CE752C3425'
  GROUP BY t.order_id
  LIMIT 18446744073709551615
) p ON p.order_id = o.id
LEFT JOIN (
  SELECT t.order_id, SUM(JSON_VALUE(f.amount, '$.totalPrice')) AS refunded
  FROM {{table(order_transaction_capture_refund)}} f
  JOIN {{table(state_machine_state)}} fs
    ON fs.id = f.state_id AND fs.technical_name = 'completed'
  JOIN {{table(order_transaction_capture)}} k
    ON k.id = f.capture_id AND k.version_id = f.capture_version_id
  JOIN {{table(order_transaction)}} t
    ON t.id = k.order_transaction_id AND t.version_id = k.order_transaction_version_id
  WHERE f.version_id = X'0FA91CE3E96A4BC2BE4BD9CE752C3425'
  GROUP BY t.order_id
  LIMIT 18446744073709551615
) r ON r.order_id = o.id
LEFT JOIN (
  SELECT i.order_id, GROUP_CONCAT(DISTINCT JSON_VALUE(i.payload, '$.code')) AS codes
  FROM {{table(order_line_item)}} i
  WHERE i.type = 'promotion'
    AND JSON_VALUE(i.payload, '$.code') <> ''
    AND i.version_id = X'0FA91CE3E96A4BC2BE4BD9CE752C3425'
  GROUP BY i.order_id
) d ON d.order_id = o.id
LEFT JOIN (
  -- An order's addresses are those of its bill and of its deliveries.
  SELECT a.order_id,
         COUNT(DISTINCT CONCAT_WS('|', a.first_name, a.last_name, COALESCE(a.zipcode, ''))) > 1
           AS elsewhere
  FROM {{table(order_address)}} a
  WHERE a.version_id = X'0FA91CE3E96A4BC2BE4BD9CE752C3425'
  GROUP BY a.order_id
) sent ON sent.order_id = o.id
WHERE o.version_id = X'0FA91CE3E96A4BC2BE4BD9CE752C3425'
  AND {{in_stores(LOWER(HEX(o.sales_channel_id)))}}
