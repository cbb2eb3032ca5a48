-- The last order is at most 30 days ago. With the three bands after it every buyer is in
-- one of four.
SELECT customer_key
FROM buyer
WHERE last_at >= {{days_ago(30)}}
