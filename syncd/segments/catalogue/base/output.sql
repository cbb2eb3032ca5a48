-- What goes out of each member. `member` is the segment's own SQL. The table itself is
-- joined, not `person`: SQLite can look up a table by its key, but not a view it built.
SELECT customers.customer_key, customers.email, customers.phone, customers.first_name,
       customers.last_name, customers.country, customers.postcode, customers.city,
       customers.region,
       CASE consent.state WHEN 'granted' THEN 'granted' WHEN 'denied' THEN 'denied'
                          ELSE 'unknown' END AS ad_consent
FROM member
JOIN customers ON customers.customer_key = member.customer_key
LEFT JOIN consent ON consent.customer_key = member.customer_key AND consent.channel = 'ads'
WHERE customers.deleted IS NOT TRUE
