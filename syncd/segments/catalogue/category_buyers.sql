-- At least `orders` orders in the last `window` days with something of a category, or of
-- one under it.
SELECT customer_key
FROM paid_item
WHERE placed_at >= {{ago(window)}}
  AND product_key IN (
    SELECT product_key
    FROM product_categories
    WHERE {{folded(category_name)}} = {{folded(:category)}} OR {{within(path, category)}}
  )
GROUP BY customer_key
HAVING COUNT(DISTINCT order_key) >= :orders
