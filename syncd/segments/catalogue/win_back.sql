-- At least two gaps between days with an order, and the last order longer ago than `f`
-- times the mean gap (no mean under 7 days counts), but at most `cap` days. The mean gap
-- is (last day - first day) / gaps; multiplied out, nothing is divided.
SELECT customer_key
FROM rhythm
WHERE gaps >= 2
  AND :today - last_day > :f * 7
  AND (:today - last_day) * gaps > :f * (last_day - first_day)
  AND :today - last_day <= :cap
