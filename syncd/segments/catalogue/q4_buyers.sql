-- A paid order in October to December of the shop's zone, in one of the last `years`
-- fourth quarters; a quarter that has begun is one of them.
SELECT DISTINCT customer_key
FROM paid_order
WHERE {{in_fourth_quarter(placed_at, years)}}
