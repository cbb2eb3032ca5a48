-- A cart that was left, last touched between `max` days and `min` hours ago.
SELECT DISTINCT customer_key
FROM left_cart
WHERE updated_at > {{ago(max)}}
  AND updated_at <= {{ago(min)}}
