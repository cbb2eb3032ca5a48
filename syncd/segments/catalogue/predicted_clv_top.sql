-- Every buyer with what the models read of them. What each will be worth: the days with a
-- purchase that BG/NBD expects in each of the next `months`, times what Gamma-Gamma expects a
-- purchase to bring, less `discount` a month. Members are the first `top`, with that as value.
SELECT customer_key, frequency, recency, age, spent
FROM history
