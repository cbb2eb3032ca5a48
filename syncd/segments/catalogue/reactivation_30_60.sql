-- The last order is more than 30 and at most 60 days ago.
SELECT customer_key
FROM buyer
WHERE last_at < {{days_ago(30)}}
  AND last_at >= {{days_ago(60)}}
