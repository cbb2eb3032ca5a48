-- Buyers of the upper `share` by revenue, with what a BG/NBD model reads of them. Members are
-- those of whom it holds that they have not stopped with a chance from `min` to below `max`.
-- Who bought once is never among them: the model lets nobody stop before a repeat purchase.
SELECT history.customer_key, history.frequency, history.recency, history.age, history.spent
FROM history
JOIN standing ON standing.customer_key = history.customer_key
WHERE standing.revenue_rank >= 1 - :share
