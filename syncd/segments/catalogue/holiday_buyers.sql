-- An order in the `lead` days before a holiday, in one of the last `years` in which it was.
-- The day itself is not among them: what is bought on it comes too late for it.
SELECT DISTINCT customer_key
FROM paid_order
WHERE {{before_holiday(placed_at, holiday, lead, years)}}
