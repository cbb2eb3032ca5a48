-- The smallest group, largest revenue first, that reaches `share` of all revenue. Equal
-- revenues stand in byte order of their keys, so that every engine draws the same line.
SELECT customer_key, revenue / 10000.0 AS value
FROM (
  SELECT customer_key,
         revenue,
         SUM(revenue) OVER (ORDER BY revenue DESC, {{bytes(customer_key)}}) - revenue AS ahead,
         SUM(revenue) OVER () AS total
  FROM buyer
) ranked
WHERE ahead < :share * total
