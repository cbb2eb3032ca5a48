-- Never bought; made an account, agreed to be written to, or touched a cart in the last
-- `days` days. One list of those who did either: asked for by one after the other, PostgreSQL
-- looked through the carts anew for each person.
SELECT person.customer_key
FROM person
WHERE person.customer_key NOT IN (SELECT customer_key FROM buyer)
  AND person.customer_key IN (
    SELECT customer_key
    FROM (
      SELECT customer_key
      FROM customers
      WHERE registered_at >= {{ago(days)}} AND registered_at < :as_of
      UNION ALL
      SELECT customer_key
      FROM consent
      WHERE state = 'granted' AND channel <> 'ads' AND said_at >= {{ago(days)}}
      UNION ALL
      SELECT customer_key
      FROM left_cart
      WHERE updated_at >= {{ago(days)}}
    ) near
  )
