-- The last order is more than 180 days ago, and at most `cap` days if given.
SELECT customer_key
FROM buyer
WHERE last_at < {{days_ago(180)}}
  AND last_at >= {{ago(cap)}}
