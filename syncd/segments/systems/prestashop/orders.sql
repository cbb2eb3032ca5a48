-- One row a checkout: it may have been split into several orders of one reference, of which
-- those that are paid count. Times are the shop's local ones, as PHP wrote them. A payment is
-- awaited or failed in the states that PrestaShop itself has for that; a module's own are not
-- known.
SELECT order_key,
       MIN(account) AS account,
       MIN(email) AS email,
       MIN(phone) AS phone,
       MIN(first_name) AS first_name,
       MIN(last_name) AS last_name,
       MIN(country) AS country,
       MIN(postcode) AS postcode,
       MIN(city) AS city,
       MIN(region) AS region,
       MAX(is_paid) AS is_paid,
       CASE WHEN MAX(is_paid) THEN FALSE ELSE MAX(payment_failed) END AS payment_failed,
       MIN(placed_at) AS placed_at,
       MIN(currency) AS currency,
       MIN(fx_to_base) AS fx_to_base,
       COALESCE(SUM(CASE WHEN is_paid THEN total_base END), SUM(total_base)) AS total_base,
       COALESCE(SUM(CASE WHEN is_paid THEN refunded_base END), SUM(refunded_base))
         AS refunded_base,
       GROUP_CONCAT(DISTINCT codes) AS coupon_codes,
       MAX(gift_flag) AS gift_flag,
       MAX(ship_to_other) AS ship_to_other
FROM (
  SELECT {{key(COALESCE(o.reference, o.id_order))}} AS order_key,
         CASE WHEN c.is_guest = 1 AND c.deleted = 0 THEN NULL
              ELSE {{key(o.id_customer)}} END AS account,
         c.email,
         COALESCE(NULLIF(a.phone_mobile, ''), a.phone) AS phone,
         a.firstname AS first_name,
         a.lastname AS last_name,
         co.iso_code AS country,
         a.postcode,
         a.city,
         st.name AS region,
         {{paid(o.current_state, os.paid = 1)}} AS is_paid,
         o.current_state IN (SELECT CAST(f.value AS UNSIGNED) FROM {{table(configuration)}} f
                             WHERE f.name IN ('PS_OS_ERROR', 'PS_OS_CHEQUE', 'PS_OS_BANKWIRE'))
           AS payment_failed,
         {{utc(o.date_add)}} AS placed_at,
         cur.iso_code AS currency,
         1 / o.conversion_rate AS fx_to_base,
         o.total_paid_tax_incl / o.conversion_rate AS total_base,
         COALESCE(r.refunded, 0) / o.conversion_rate AS refunded_base,
         codes.codes,
         o.gift = 1 OR o.total_wrapping_tax_incl > 0 OR COALESCE(o.gift_message, '') <> ''
           AS gift_flag,
         LOWER(CONCAT(d.firstname, d.lastname)) <> LOWER(CONCAT(a.firstname, a.lastname))
           AS ship_to_other
  FROM {{table(orders)}} o
  JOIN {{table(order_state)}} os ON os.id_order_state = o.current_state
  LEFT JOIN {{table(customer)}} c ON c.id_customer = o.id_customer
  LEFT JOIN {{table(currency)}} cur ON cur.id_currency = o.id_currency
  LEFT JOIN {{table(address)}} a ON a.id_address = o.id_address_invoice
  LEFT JOIN {{table(address)}} d ON d.id_address = o.id_address_delivery
  LEFT JOIN {{table(country)}} co ON co.id_country = a.id_country
  LEFT JOIN {{table(state)}} st ON st.id_state = a.id_state
  LEFT JOIN (
    SELECT id_order, SUM(total_products_tax_incl + total_shipping_tax_incl) AS refunded
    FROM {{table(order_slip)}}
    GROUP BY id_order
  ) r ON r.id_order = o.id_order
  LEFT JOIN (
    SELECT oc.id_order, GROUP_CONCAT(cr.code ORDER BY cr.code) AS codes
    FROM {{table(order_cart_rule)}} oc
    JOIN {{table(cart_rule)}} cr ON cr.id_cart_rule = oc.id_cart_rule AND cr.code <> ''
    GROUP BY oc.id_order
  ) codes ON codes.id_order = o.id_order
  WHERE {{in_stores(o.id_shop)}}
) part
GROUP BY order_key
