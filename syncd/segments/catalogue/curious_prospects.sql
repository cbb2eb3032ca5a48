-- Never bought; made an account, agreed to be written to, or touched a cart in the last
-- `days` days.
SELECT person.customer_key
FROM person
JOIN customers ON customers.customer_key = person.customer_key
WHERE person.customer_key NOT IN (SELECT customer_key FROM buyer)
  AND ((customers.registered_at >= {{ago(days)}} AND customers.registered_at < :as_of)
       OR person.customer_key IN (
         SELECT customer_key
         FROM consent
         WHERE state = 'granted' AND channel <> 'ads' AND said_at >= {{ago(days)}}
       )
       OR person.customer_key IN (
         SELECT customer_key FROM left_cart WHERE updated_at >= {{ago(days)}}
       ))
