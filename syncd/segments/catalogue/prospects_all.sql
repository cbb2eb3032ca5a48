-- Everyone known who has never bought.
SELECT customer_key
FROM person
WHERE customer_key NOT IN (SELECT customer_key FROM buyer)
