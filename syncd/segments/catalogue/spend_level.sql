-- Revenue, or the mean value of an order, from `min` up to but not including `max`.
SELECT customer_key
FROM (
  SELECT customer_key,
         revenue,
         CASE WHEN :of = 'order_value' THEN n_orders ELSE 1 END AS parts
  FROM buyer
) measured
WHERE revenue >= :min * 10000 * parts
  AND revenue < :max * 10000 * parts
