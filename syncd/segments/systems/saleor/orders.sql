-- Orders but for drafts and for replacements of goods. What is charged is less what went
-- back, so that what was received is both; a refund under way has left the charged amount
-- too. Of what was charged too much nothing was spent. There are no rates of exchange:
-- amounts count as they stand.
SELECT {{key(o.id)}} AS order_key,
       {{key(o.user_id)}} AS account,
       o.user_email AS email,
       NULLIF(b.phone, '') AS phone,
       b.first_name,
       b.last_name,
       NULLIF(b.country, '') AS country,
       b.postal_code AS postcode,
       b.city,
       b.country_area AS region,
       o.status NOT IN ('unconfirmed', 'canceled', 'expired', 'returned')
         AND {{paid(o.charge_status, m.received >= o.total_gross_amount
                    OR m.received > 0 AND o.charge_status IN ('full', 'overcharged'))}} AS is_paid,
       o.status NOT IN ('unconfirmed', 'canceled') AND o.authorize_status = 'none'
         AND m.received = 0 AND m.coming = 0 AND o.total_gross_amount > 0 AS payment_failed,
       o.created_at AS placed_at,
       o.currency,
       1 AS fx_to_base,
       CASE WHEN m.received > 0 THEN LEAST(o.total_charged_amount, o.total_gross_amount) + m.back
            ELSE o.total_gross_amount END AS total_base,
       m.back AS refunded_base,
       NULLIF(o.voucher_code, '') AS coupon_codes,
       LOWER(CONCAT(s.first_name, s.last_name)) <> LOWER(CONCAT(b.first_name, b.last_name))
         OR s.postal_code <> b.postal_code AS ship_to_other
FROM {{table(order_order)}} o
JOIN {{table(channel_channel)}} c ON c.id = o.channel_id
LEFT JOIN {{table(account_address)}} b ON b.id = o.billing_address_id
LEFT JOIN {{table(account_address)}} s ON s.id = o.shipping_address_id
JOIN (
  SELECT charged.id,
         charged.total_charged_amount + COALESCE(SUM(moved.back), 0) AS received,
         COALESCE(SUM(moved.back), 0) AS back,
         COALESCE(SUM(moved.coming), 0) AS coming
  FROM {{table(order_order)}} charged
  LEFT JOIN (
    SELECT t.order_id,
           t.refunded_value + t.refund_pending_value AS back,
           t.charge_pending_value + t.authorize_pending_value AS coming
    FROM {{table(payment_transactionitem)}} t
    UNION ALL
    SELECT t.order_id, e.amount_value, 0
    FROM {{table(payment_transactionevent)}} e
    JOIN {{table(payment_transactionitem)}} t ON t.id = e.transaction_id
    WHERE e.type = 'charge_back' AND e.include_in_calculations
    UNION ALL
    -- The older payments of plug-ins, which newer ones stand beside.
    SELECT p.order_id, CASE WHEN t.kind = 'refund' THEN t.amount ELSE -t.amount END, 0
    FROM {{table(payment_transaction)}} t
    JOIN {{table(payment_payment)}} p ON p.id = t.payment_id
    WHERE t.kind IN ('refund', 'refund_reversed') AND t.is_success AND t.already_processed
  ) moved ON moved.order_id = charged.id
  GROUP BY charged.id, charged.total_charged_amount
) m ON m.id = o.id
WHERE o.status <> 'draft'
  AND o.origin <> 'reissue'
  AND {{in_stores(c.slug)}}
