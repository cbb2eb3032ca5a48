-- What a model of a category reads of each buyer who bought nothing of it in the `quiet` days
-- before the day `:until`: what they bought before that day, and whether they bought of the
-- category in the `days` from then on. Amounts are in ten-thousandths.
SELECT bought.customer_key,
       bought.buying_days,
       bought.since,
       bought.age,
       bought.spent,
       bought.articles,
       bought.days_of_it,
       bought.spent_of_it,
       COALESCE(affinity.affinity, 0) AS affinity,
       bought.later
FROM (
  SELECT customer_key,
         SUM(CASE WHEN day < :until THEN 1 ELSE 0 END) AS buying_days,
         :until - MAX(CASE WHEN day < :until THEN day END) AS since,
         :until - MIN(day) AS age,
         SUM(CASE WHEN day < :until THEN spent ELSE 0 END) AS spent,
         SUM(CASE WHEN day < :until THEN articles ELSE 0 END) AS articles,
         SUM(CASE WHEN day < :until THEN of_it ELSE 0 END) AS days_of_it,
         SUM(CASE WHEN day < :until THEN spent_of_it ELSE 0 END) AS spent_of_it,
         MAX(CASE WHEN day >= :until AND day < :until + :days THEN of_it ELSE 0 END) AS later
  FROM (
    SELECT customer_key,
           day,
           SUM(spent) AS spent,
           COUNT(*) AS articles,
           MAX(of_it) AS of_it,
           SUM(CASE WHEN of_it = 1 THEN spent ELSE 0 END) AS spent_of_it
    FROM category_item
    GROUP BY customer_key, day
  ) days_bought
  GROUP BY customer_key
  HAVING MIN(day) < :until
     AND MAX(CASE WHEN of_it = 1 AND day < :until AND day >= :until - :quiet
                  THEN 1 ELSE 0 END) = 0
) bought
LEFT JOIN affinity ON affinity.customer_key = bought.customer_key
