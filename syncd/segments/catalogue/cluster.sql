-- Every buyer with recency, frequency and money. Members are those who are nearest to the middle
-- of the group `cluster`, of the groups that k-means finds in the logarithms of the three; 1 is
-- the group whose middle has the most money.
SELECT customer_key, buying_days, since, money
FROM footing
