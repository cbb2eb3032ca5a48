-- At least `share` of what they spent in the last `window` days was on sale, in at least
-- `lines` lines of their orders.
SELECT customer_key
FROM sale_share
WHERE spent_on_sale > 0
  AND spent_on_sale >= :share * spent
  AND n_lines >= :lines
