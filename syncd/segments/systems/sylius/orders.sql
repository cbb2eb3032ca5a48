-- Orders, whose amounts are in hundredths in every currency. There are no rates of exchange as
-- they were: amounts count as they stand. What was paid back are whole payments. A cancelled
-- order may have been paid, and stays so. One that was placed signed in, of a customer who can
-- sign in no more, is of a deleted account.
SELECT {{key(o.id)}} AS order_key,
       CASE WHEN u.id IS NOT NULL THEN {{key(o.customer_id)}}
            WHEN o.created_by_guest = 1 THEN NULL
            ELSE 'deleted' END AS account,
       c.email,
       COALESCE(NULLIF(b.phone_number, ''), c.phone_number) AS phone,
       b.first_name,
       b.last_name,
       b.country_code AS country,
       b.postcode,
       b.city,
       COALESCE(NULLIF(b.province_name, ''), p.name) AS region,
       o.state <> 'cancelled'
         AND {{paid(o.payment_state, o.payment_state IN ('paid', 'partially_refunded', 'refunded'))}}
         AS is_paid,
       o.state = 'new' AND o.payment_state = 'awaiting_payment' AS payment_failed,
       {{utc(o.checkout_completed_at)}} AS placed_at,
       o.currency_code AS currency,
       1 AS fx_to_base,
       o.total / 100 AS total_base,
       CASE WHEN o.payment_state = 'refunded' THEN o.total
            ELSE COALESCE(r.amount, 0) END / 100 AS refunded_base,
       coupon.code AS coupon_codes,
       LOWER(CONCAT(s.first_name, s.last_name)) <> LOWER(CONCAT(b.first_name, b.last_name))
         OR s.postcode <> b.postcode AS ship_to_other
FROM {{table(sylius_order)}} o
LEFT JOIN {{table(sylius_channel)}} ch ON ch.id = o.channel_id
LEFT JOIN {{table(sylius_customer)}} c ON c.id = o.customer_id
LEFT JOIN {{table(sylius_shop_user)}} u ON u.customer_id = o.customer_id
LEFT JOIN {{table(sylius_address)}} b ON b.id = o.billing_address_id
LEFT JOIN {{table(sylius_address)}} s ON s.id = o.shipping_address_id
LEFT JOIN {{table(sylius_province)}} p ON p.code = b.province_code
LEFT JOIN {{table(sylius_promotion_coupon)}} coupon ON coupon.id = o.promotion_coupon_id
LEFT JOIN (
  SELECT order_id, SUM(amount) AS amount
  FROM {{table(sylius_payment)}}
  WHERE state = 'refunded'
  GROUP BY order_id
) r ON r.order_id = o.id
WHERE o.state <> 'cart'
  AND {{in_stores(ch.code)}}
