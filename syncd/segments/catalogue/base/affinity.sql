-- Of each person, how often buyers of what they bought bought of the category too, before the
-- day `:until`: of each other category they bought of, the share of its buyers, and the mean of
-- these, in millionths. Categories of fewer than ten buyers say nothing.
SELECT had.customer_key, {{quotient(SUM(rates.rate), COUNT(*))}} AS affinity
FROM (
  SELECT DISTINCT category_item.customer_key, {{folded(product_categories.path)}} AS path
  FROM category_item
  JOIN product_categories ON product_categories.product_key = category_item.product_key
  WHERE category_item.day < :until
    AND category_item.of_it = 0
) had
JOIN (
  SELECT path, {{quotient(SUM(has_it) * 1000000, COUNT(*))}} AS rate
  FROM (
    SELECT category_item.customer_key,
           {{folded(product_categories.path)}} AS path,
           MAX(buyer_of_it.has_it) AS has_it
    FROM (
      SELECT customer_key, MAX(of_it) AS has_it
      FROM category_item
      WHERE day < :until
      GROUP BY customer_key
    ) buyer_of_it
    JOIN category_item ON category_item.customer_key = buyer_of_it.customer_key
    JOIN product_categories ON product_categories.product_key = category_item.product_key
    WHERE category_item.day < :until
      AND category_item.of_it = 0
    GROUP BY category_item.customer_key, {{folded(product_categories.path)}}
  ) shared
  GROUP BY path
  HAVING COUNT(*) >= 10
) rates ON rates.path = had.path
GROUP BY had.customer_key
