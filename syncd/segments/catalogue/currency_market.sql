-- An order in the last `window` days in one of the currencies.
SELECT DISTINCT paid_order.customer_key
FROM paid_order
JOIN orders ON orders.order_key = paid_order.order_key
WHERE paid_order.placed_at >= {{ago(window)}}
  AND {{one_of(orders.currency, currencies)}}
