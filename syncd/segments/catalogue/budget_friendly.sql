-- At least half of the things they bought in the last `window` days cost at most `price`
-- each.
SELECT customer_key
FROM (
  SELECT customer_key,
         SUM(units) AS units,
         SUM(CASE WHEN spent <= :price * 10000 * units THEN units ELSE 0 END) AS cheap_units
  FROM paid_item
  WHERE placed_at >= {{ago(window)}}
  GROUP BY customer_key
) counted
WHERE cheap_units * 2 >= units
