-- At most `share` of what they spent in the last `window` days was on sale, and no order
-- of theirs in that time had a code.
SELECT customer_key
FROM sale_share
WHERE spent_on_sale <= :share * spent
  AND customer_key NOT IN (
    SELECT paid_order.customer_key
    FROM paid_order
    WHERE paid_order.placed_at >= {{ago(window)}}
      AND TRIM(paid_order.coupon_codes) <> ''
  )
