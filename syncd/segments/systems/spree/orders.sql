-- Orders that were placed, and checkouts whose payment failed. The payment state says paid or
-- not, but money that was paid back on its own makes an order due again, which was paid all
-- the same. What came back is refunds, store credit given for returns, and, as old versions
-- wrote it, payments below nothing; but not what had been paid over the total, as where a line
-- was taken out later. There are no rates of exchange: amounts count as they stand.
SELECT {{key(o.id)}} AS order_key,
       {{key(o.user_id)}} AS account,
       o.email,
       b.phone,
       b.firstname AS first_name,
       b.lastname AS last_name,
       n.iso AS country,
       b.zipcode AS postcode,
       b.city,
       COALESCE(r.abbr, b.state_name) AS region,
       o.placed AND {{paid(o.payment_state, o.was_paid)}} AS is_paid,
       o.awaited AND NOT (o.placed AND {{paid(o.payment_state, o.was_paid)}}) AS payment_failed,
       o.placed_at,
       o.currency,
       1 AS fx_to_base,
       o.total AS total_base,
       GREATEST(o.paid_back + COALESCE(credit.amount, 0) - o.overpaid, 0) AS refunded_base,
       d.codes AS coupon_codes,
       LOWER(CONCAT(s.firstname, s.lastname)) <> LOWER(CONCAT(b.firstname, b.lastname))
         OR s.zipcode <> b.zipcode AS ship_to_other
FROM (
  SELECT orders.*,
         COALESCE(orders.completed_at, p.failed_at) AS placed_at,
         COALESCE(orders.state, '') NOT IN ('canceled', 'partially_canceled') AS awaited,
         orders.completed_at IS NOT NULL
           AND COALESCE(orders.state, '') NOT IN ('canceled', 'partially_canceled') AS placed,
         COALESCE(orders.payment_state IN ('paid', 'credit_owed')
                  OR (p.paid >= orders.total AND p.paid > 0), FALSE) AS was_paid,
         COALESCE(p.paid_back, 0) AS paid_back,
         GREATEST(COALESCE(p.paid, 0) - orders.total, 0) AS overpaid
  FROM {{table(spree_orders)}} orders
  LEFT JOIN (
    SELECT y.order_id,
           MAX(y.updated_at) FILTER (WHERE y.state = 'failed') AS failed_at,
           SUM(y.amount) FILTER (WHERE y.state = 'completed' AND y.amount > 0) AS paid,
           COALESCE(SUM(f.amount), 0)
             - COALESCE(SUM(y.amount) FILTER (WHERE y.state = 'completed' AND y.amount < 0), 0)
             AS paid_back
    FROM {{table(spree_payments)}} y
    LEFT JOIN (
      SELECT payment_id, SUM(amount) AS amount
      FROM {{table(spree_refunds)}}
      GROUP BY payment_id
    ) f ON f.payment_id = y.id
    GROUP BY y.order_id
  ) p ON p.order_id = orders.id
  WHERE (orders.completed_at IS NOT NULL OR p.failed_at IS NOT NULL)
    AND {{in_stores(orders.store_id)}}
) o
LEFT JOIN {{table(spree_addresses)}} b ON b.id = o.bill_address_id
LEFT JOIN {{table(spree_addresses)}} s ON s.id = o.ship_address_id
LEFT JOIN {{table(spree_countries)}} n ON n.id = b.country_id
LEFT JOIN {{table(spree_states)}} r ON r.id = b.state_id
LEFT JOIN (
  SELECT m.order_id, SUM(c.amount) AS amount
  FROM {{table(spree_reimbursement_credits)}} c
  JOIN {{table(spree_reimbursements)}} m ON m.id = c.reimbursement_id
  GROUP BY m.order_id
) credit ON credit.order_id = o.id
-- Codes that took something off. One of many codes of a promotion goes by that one's name.
LEFT JOIN (
  SELECT j.order_id,
         STRING_AGG(DISTINCT COALESCE(NULLIF(t.code, ''), t.name), ',') AS codes
  FROM {{table(spree_adjustments)}} j
  JOIN {{table(spree_promotion_actions)}} pa ON pa.id = j.source_id
  JOIN {{table(spree_promotions)}} t ON t.id = pa.promotion_id
  WHERE j.source_type = 'Spree::PromotionAction'
    AND j.eligible
    AND j.amount <> 0
    AND (t.code <> '' OR to_jsonb(t) ->> 'multi_codes' = 'true')
  GROUP BY j.order_id
) d ON d.order_id = o.id
