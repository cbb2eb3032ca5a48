-- At least `share` of what they spent in the last `window` days went to a category, or to
-- one under it.
SELECT customer_key
FROM (
  SELECT customer_key,
         SUM(spent) AS spent,
         SUM(CASE WHEN product_key IN (
               SELECT product_key
               FROM product_categories
               WHERE {{folded(category_name)}} = {{folded(:category)}}
                  OR {{within(path, category)}}
             ) THEN spent ELSE 0 END) AS spent_on_it
  FROM paid_item
  WHERE placed_at >= {{ago(window)}}
  GROUP BY customer_key
) counted
WHERE spent_on_it > 0
  AND spent_on_it >= :share * spent
