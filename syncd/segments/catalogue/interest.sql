-- At least `share` of what they spent in the last `window` days went to a category, or to
-- one under it.
SELECT customer_key
FROM (
  SELECT customer_key,
         {{whole(SUM(spent))}} AS spent,
         {{whole(SUM(CASE WHEN on_it = 1 THEN spent ELSE 0 END))}} AS spent_on_it
  FROM (
    SELECT customer_key, on_it, SUM(spent) AS spent
    FROM (
      SELECT customer_key,
             spent,
             CASE WHEN product_key IN (
               SELECT product_key
               FROM product_categories
               WHERE {{folded(category_name)}} = {{folded(:category)}}
                  OR {{within(path, category)}}
             ) THEN 1 ELSE 0 END AS on_it
      FROM paid_item
      WHERE placed_at >= {{ago(window)}}
    ) bought
    GROUP BY customer_key, on_it
  ) parts
  GROUP BY customer_key
) counted
WHERE spent_on_it > 0
  AND spent_on_it >= :share * spent
