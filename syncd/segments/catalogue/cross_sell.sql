-- Bought something of the category `bought` in the last `window` days, and nothing of the
-- category `not_bought`. What is under a category counts as it does.
SELECT customer_key
FROM (
  SELECT customer_key,
         MAX(CASE WHEN product_key IN (
               SELECT product_key
               FROM product_categories
               WHERE {{folded(category_name)}} = {{folded(:bought)}} OR {{within(path, bought)}}
             ) THEN 1 ELSE 0 END) AS has_bought,
         MAX(CASE WHEN product_key IN (
               SELECT product_key
               FROM product_categories
               WHERE {{folded(category_name)}} = {{folded(:not_bought)}}
                  OR {{within(path, not_bought)}}
             ) THEN 1 ELSE 0 END) AS has_not_bought
  FROM paid_item
  WHERE placed_at >= {{ago(window)}}
  GROUP BY customer_key
) counted
WHERE has_bought = 1
  AND has_not_bought = 0
