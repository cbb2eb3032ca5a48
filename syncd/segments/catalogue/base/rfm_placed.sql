-- Each buyer in one of eleven cells, by fifths: recency r, frequency f, money m, 5 the best.
-- The first cell that fits counts.
SELECT customer_key,
       CASE WHEN r >= 4 AND f >= 4 AND m >= 4 THEN 'champions'
            WHEN r >= 3 AND f >= 4 THEN 'loyal'
            WHEN r >= 4 AND f >= 2 THEN 'potential_loyalists'
            WHEN r = 5 THEN 'new'
            WHEN r = 4 THEN 'promising'
            WHEN r = 1 AND f >= 4 AND m >= 4 THEN 'cannot_lose'
            WHEN r = 2 AND f >= 4 AND m >= 4 THEN 'at_risk'
            WHEN r >= 2 AND f >= 3 THEN 'need_attention'
            WHEN r >= 2 THEN 'about_to_sleep'
            WHEN f <= 2 AND m <= 2 THEN 'lost'
            ELSE 'hibernating' END AS cell
FROM rfm
