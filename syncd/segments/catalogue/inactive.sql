-- The last order is more than `days` days ago.
SELECT customer_key
FROM buyer
WHERE last_at < {{ago(days)}}
