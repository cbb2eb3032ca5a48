-- What a model reads of each buyer: days with a purchase before the day `:until`, and how many
-- from then to before today. Several orders in a day are one. All days count from the first
-- with a purchase; `spent` is what came in on all but that one, `brought` what did from then
-- to before today, in ten-thousandths.
SELECT customer_key,
       SUM(CASE WHEN day < :until THEN 1 ELSE 0 END) - 1 AS frequency,
       MAX(CASE WHEN day < :until THEN day END) - MIN(day) AS recency,
       :until - MIN(day) AS age,
       SUM(CASE WHEN day < :until AND place > 1 THEN paid ELSE 0 END) AS spent,
       SUM(CASE WHEN day >= :until AND day < :today THEN 1 ELSE 0 END) AS later,
       SUM(CASE WHEN day >= :until AND day < :today THEN paid ELSE 0 END) AS brought
FROM (
  SELECT customer_key,
         day,
         SUM(paid) AS paid,
         ROW_NUMBER() OVER (PARTITION BY customer_key ORDER BY day) AS place
  FROM (SELECT customer_key, {{day(placed_at)}} AS day, paid FROM paid_order) bought
  GROUP BY customer_key, day
) days
GROUP BY customer_key
HAVING MIN(day) < :until
