-- The first two orders of each buyer. Of two at one moment the lower key counts as earlier.
SELECT customer_key, order_key, placed_at, place
FROM (
  SELECT customer_key,
         order_key,
         placed_at,
         ROW_NUMBER() OVER (
           PARTITION BY customer_key ORDER BY placed_at, {{bytes(order_key)}}
         ) AS place
  FROM paid_order
) ranked
WHERE place <= 2
