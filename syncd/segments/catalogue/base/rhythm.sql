-- How often someone buys, in days of the shop's zone; several orders in a day are one.
SELECT customer_key, MIN(day) AS first_day, MAX(day) AS last_day, COUNT(*) - 1 AS gaps
FROM (SELECT DISTINCT customer_key, {{day(placed_at)}} AS day FROM paid_order) days
GROUP BY customer_key
