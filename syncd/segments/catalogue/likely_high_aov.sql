-- Buyers with a purchase on a second day, and what Gamma-Gamma reads of them. Members are the
-- first `top` of these by what it expects their next purchase to bring, whenever that comes.
-- Of who bought once it knows only what everyone spends.
SELECT customer_key, frequency, recency, age, spent
FROM history
WHERE frequency > 0
