-- Lines that count, by day, with whether they are of the category or of one under it.
SELECT customer_key,
       {{day(placed_at)}} AS day,
       product_key,
       spent,
       CASE WHEN product_key IN (
              SELECT product_key
              FROM product_categories
              WHERE {{folded(category_name)}} = {{folded(:category)}} OR {{within(path, category)}}
            ) THEN 1 ELSE 0 END AS of_it
FROM paid_item
