-- Each line of an order that counts, with the day of the next one of the same product by the
-- same person; NULL for the last. Two on one day are both there.
SELECT customer_key,
       product_key,
       day,
       LEAD(day) OVER (PARTITION BY customer_key, product_key ORDER BY day) AS next_day
FROM (
  SELECT customer_key, {{key_of(product_key)}} AS product_key, {{day(placed_at)}} AS day
  FROM paid_item
) bought
