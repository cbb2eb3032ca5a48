-- Fifths of all buyers, 5 the best: by the last order (r), the number of orders (f) and
-- revenue (m). Equals stand in byte order of their keys, so that fifths are the same size.
SELECT customer_key,
       NTILE(5) OVER (ORDER BY last_at, {{bytes(customer_key)}}) AS r,
       NTILE(5) OVER (ORDER BY n_orders, revenue, {{bytes(customer_key)}}) AS f,
       NTILE(5) OVER (ORDER BY revenue, {{bytes(customer_key)}}) AS m
FROM buyer
