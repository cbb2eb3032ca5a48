-- Every buyer with what a BG/NBD model reads of them. Members are the first `top` by the
-- chance to buy within `days`, of whom it holds that they have not stopped with a chance of
-- `alive` at least. Equals are all in or all out.
SELECT customer_key, frequency, recency, age, spent
FROM history
