-- The last order is more than 60 and at most 180 days ago.
SELECT customer_key
FROM buyer
WHERE last_at < {{days_ago(60)}}
  AND last_at >= {{days_ago(180)}}
