-- What goes out of each member. `member` is the segment's own SQL, one row a customer. The
-- GROUP BY is for SQLite: it takes what comes out of a window for one row, and would then
-- compare every pair. Likewise `customers` itself is joined, whose key it can look up.
SELECT customers.customer_key, customers.email, customers.phone, customers.first_name,
       customers.last_name, customers.country, customers.postcode, customers.city,
       customers.region,
       CASE consent.state WHEN 'granted' THEN 'granted' WHEN 'denied' THEN 'denied'
                          ELSE 'unknown' END AS ad_consent
FROM (SELECT customer_key FROM member GROUP BY customer_key) chosen
JOIN customers ON customers.customer_key = chosen.customer_key
LEFT JOIN consent ON consent.customer_key = chosen.customer_key AND consent.channel = 'ads'
WHERE customers.deleted IS NOT TRUE
