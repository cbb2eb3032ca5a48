-- An order in the last `window` days in one of the currencies.
SELECT DISTINCT paid_order.customer_key
FROM paid_order
WHERE paid_order.placed_at >= {{ago(window)}}
  AND {{one_of(paid_order.currency, currencies)}}
