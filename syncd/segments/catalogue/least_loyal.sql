-- The last `bottom` by the score of top_customers. Equals are all in or all out.
SELECT customer_key
FROM (
  SELECT customer_key, PERCENT_RANK() OVER (ORDER BY score) AS place
  FROM loyalty_score
) ranked
WHERE place < :bottom
