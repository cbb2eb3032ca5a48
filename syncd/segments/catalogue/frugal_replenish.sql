-- Something that they bought is about to run out. How long a product lasts is what the shop
-- says, else the median of the days between two purchases of it by one person, where there
-- are at least `repeats`; of an even number the mean of the middle two. Members are those
-- whose last purchase of it was that long ago, from `lead` days before to `grace` after.
SELECT DISTINCT last_bought.customer_key
FROM purchase last_bought
LEFT JOIN products ON products.product_key = last_bought.product_key
LEFT JOIN (
  SELECT product_key, AVG(gap) AS days
  FROM (
    SELECT product_key,
           gap,
           ROW_NUMBER() OVER (PARTITION BY product_key ORDER BY gap) AS place,
           COUNT(*) OVER (PARTITION BY product_key) AS n_gaps
    FROM purchase
    WHERE NOT is_last
  ) placed
  WHERE n_gaps >= :repeats
    AND place * 2 IN (n_gaps, n_gaps + 1, n_gaps + 2)
  GROUP BY product_key
) usual ON usual.product_key = last_bought.product_key
WHERE last_bought.is_last
  AND :today - last_bought.day
      BETWEEN COALESCE(products.replenish_days, usual.days) - :lead
          AND COALESCE(products.replenish_days, usual.days) + :grace
