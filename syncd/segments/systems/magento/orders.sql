-- Orders by `state`, which is Magento's own; `status` is what a shop makes of it. Where an
-- account was deleted the order lost its customer but is no guest's.
SELECT {{key(o.entity_id)}} AS order_key,
       CASE WHEN o.customer_id IS NOT NULL THEN {{key(o.customer_id)}}
            WHEN o.customer_is_guest = 1 THEN NULL
            ELSE 'deleted' END AS account,
       o.customer_email AS email,
       b.telephone AS phone,
       b.firstname AS first_name,
       b.lastname AS last_name,
       b.country_id AS country,
       b.postcode,
       b.city,
       b.region,
       {{paid(o.status, o.state IN ('processing', 'complete')
                     OR o.base_total_paid > 0 AND o.state NOT IN ('canceled', 'closed'))}}
         AS is_paid,
       o.state IN ('new', 'pending_payment', 'payment_review') AS payment_failed,
       o.created_at AS placed_at,
       o.order_currency_code AS currency,
       o.base_grand_total * COALESCE(o.base_to_global_rate, 1) / NULLIF(o.grand_total, 0)
         AS fx_to_base,
       o.base_grand_total * COALESCE(o.base_to_global_rate, 1) AS total_base,
       COALESCE(o.base_total_refunded, 0) * COALESCE(o.base_to_global_rate, 1) AS refunded_base,
       o.coupon_code AS coupon_codes,
       o.gift_message_id IS NOT NULL
         OR EXISTS (SELECT 1 FROM {{table(sales_order_item)}} i
                    WHERE i.order_id = o.entity_id AND i.gift_message_id IS NOT NULL) AS gift_flag,
       s.entity_id IS NOT NULL
         AND (LOWER(CONCAT(s.firstname, s.lastname)) <> LOWER(CONCAT(b.firstname, b.lastname))
              OR s.postcode <> b.postcode) AS ship_to_other
FROM {{table(sales_order)}} o
JOIN {{table(store)}} v ON v.store_id = o.store_id
LEFT JOIN {{table(sales_order_address)}} b ON b.entity_id = o.billing_address_id
LEFT JOIN {{table(sales_order_address)}} s ON s.entity_id = o.shipping_address_id
WHERE {{in_stores(v.website_id)}}
