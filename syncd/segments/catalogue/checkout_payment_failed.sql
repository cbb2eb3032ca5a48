-- An order between `max` days and `min` hours ago whose payment failed or never came, and
-- nothing paid for since.
SELECT DISTINCT orders.customer_key
FROM orders
JOIN person ON person.customer_key = orders.customer_key
LEFT JOIN (
  SELECT customer_key, MAX(placed_at) AS last_at
  FROM orders
  WHERE is_paid AND placed_at < :as_of
  GROUP BY customer_key
) paid ON paid.customer_key = orders.customer_key
WHERE orders.payment_failed
  AND orders.is_paid IS NOT TRUE
  AND orders.placed_at > {{ago(max)}}
  AND orders.placed_at <= {{ago(min)}}
  AND (paid.last_at IS NULL OR paid.last_at < orders.placed_at)
