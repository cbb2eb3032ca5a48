-- Recency, frequency and money of each buyer at the day `:until`, and on how many of the `days`
-- from then on they bought. Several orders in a day are one; amounts are in ten-thousandths.
SELECT customer_key,
       SUM(CASE WHEN day < :until THEN 1 ELSE 0 END) AS buying_days,
       :until - MAX(CASE WHEN day < :until THEN day END) AS since,
       SUM(CASE WHEN day < :until THEN paid ELSE 0 END) AS money,
       SUM(CASE WHEN day >= :until AND day < :until + :days THEN 1 ELSE 0 END) AS later
FROM (
  SELECT customer_key, day, SUM(paid) AS paid
  FROM (SELECT customer_key, {{day(placed_at)}} AS day, paid FROM paid_order) bought
  GROUP BY customer_key, day
) days_bought
GROUP BY customer_key
HAVING MIN(day) < :until
