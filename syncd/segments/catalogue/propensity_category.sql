-- Every buyer who bought nothing of a category, or of one under it, in the last `quiet` days,
-- with what a model of the category reads of them. Members are the first `top` of these by
-- their chance to buy of it within `days`. Equals are all in or all out.
SELECT customer_key, buying_days, since, age, spent, articles, days_of_it, spent_of_it, affinity
FROM taste
