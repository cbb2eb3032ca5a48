-- Never bought, and left at least `carts` carts in the last `window` days.
SELECT customer_key
FROM left_cart
WHERE updated_at >= {{ago(window)}}
  AND customer_key NOT IN (SELECT customer_key FROM buyer)
GROUP BY customer_key
HAVING COUNT(*) >= :carts
