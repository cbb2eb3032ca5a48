-- An order from Thanksgiving to Cyber Monday, in one of the last `years` of them.
SELECT DISTINCT customer_key
FROM paid_order
WHERE {{in_black_friday(placed_at, years)}}
