-- A cart that was not completed, last touched between `max` days and `min` hours ago, of
-- someone who can be matched and has paid for nothing since the cart was made. A cart
-- without a customer belongs to whom its e-mail belongs to.
SELECT DISTINCT left_cart.customer_key
FROM (
  SELECT customer_key, created_at, updated_at, completed_at
  FROM carts
  WHERE customer_key IS NOT NULL
  UNION ALL
  SELECT mail_owner.customer_key, carts.created_at, carts.updated_at, carts.completed_at
  FROM carts
  JOIN mail_owner ON mail_owner.mail = {{mail(carts.email)}}
  WHERE carts.customer_key IS NULL
) left_cart
JOIN person ON person.customer_key = left_cart.customer_key
LEFT JOIN (
  SELECT customer_key, MAX(placed_at) AS last_at
  FROM orders
  WHERE is_paid AND placed_at < :as_of
  GROUP BY customer_key
) paid ON paid.customer_key = left_cart.customer_key
WHERE (left_cart.completed_at IS NULL OR left_cart.completed_at >= :as_of)
  AND left_cart.updated_at > {{ago(max)}}
  AND left_cart.updated_at <= {{ago(min)}}
  AND (TRIM(person.email) <> '' OR TRIM(person.phone) <> '')
  AND (paid.last_at IS NULL OR paid.last_at < left_cart.created_at)
