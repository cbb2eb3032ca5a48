-- Whoever has a paid order that was not refunded whole, within `since` days if given.
SELECT customer_key
FROM buyer
WHERE last_at >= {{ago(since)}}
