-- Carts that were not completed, of someone who can be matched and has paid for nothing
-- since the cart was made. A cart without a customer belongs to whom its e-mail belongs to.
SELECT owned.cart_key, owned.customer_key, owned.updated_at
FROM (
  SELECT cart_key, customer_key, created_at, updated_at, completed_at
  FROM carts
  WHERE customer_key IS NOT NULL
  UNION ALL
  SELECT carts.cart_key, mail_owner.customer_key, carts.created_at, carts.updated_at,
         carts.completed_at
  FROM carts
  JOIN mail_owner ON mail_owner.mail = {{folded(carts.email)}}
  WHERE carts.customer_key IS NULL
) owned
JOIN customers ON customers.customer_key = owned.customer_key
LEFT JOIN (
  SELECT customer_key, MAX(placed_at) AS last_at
  FROM orders
  WHERE is_paid AND placed_at < :as_of
  GROUP BY customer_key
) paid ON paid.customer_key = owned.customer_key
WHERE customers.deleted IS NOT TRUE
  AND (owned.completed_at IS NULL OR owned.completed_at >= :as_of)
  AND owned.updated_at < :as_of
  AND (TRIM(customers.email) <> '' OR TRIM(customers.phone) <> '')
  AND (paid.last_at IS NULL OR paid.last_at < owned.created_at)
