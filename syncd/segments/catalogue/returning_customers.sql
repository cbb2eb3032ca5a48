-- At least `orders` orders, the last of them within `days` days if given.
SELECT customer_key
FROM buyer
WHERE n_orders >= :orders
  AND last_at >= {{ago(days)}}
