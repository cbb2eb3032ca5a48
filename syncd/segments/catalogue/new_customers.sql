-- The first order is at most `days` days ago.
SELECT customer_key
FROM buyer
WHERE first_at >= {{ago(days)}}
