-- Each line of an order that counts: whether it is the last of its product by its person, and
-- else in how many days the next is. Two on one day are both there, no day apart. `is_last` is a
-- column of its own because PostgreSQL takes what is NULL for rare, and would hash nearly all.
SELECT customer_key, product_key, day, next_day - day AS gap, next_day IS NULL AS is_last
FROM (
  SELECT customer_key,
         product_key,
         day,
         LEAD(day) OVER (PARTITION BY customer_key, product_key ORDER BY day) AS next_day
  FROM (
    SELECT customer_key, {{key_of(product_key)}} AS product_key, {{day(placed_at)}} AS day
    FROM paid_item
  ) bought
) followed
