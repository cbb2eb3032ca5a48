-- What goes out of each member. `member` is the segment's own SQL.
SELECT person.customer_key, person.email, person.phone, person.first_name, person.last_name,
       person.country, person.postcode, person.city, person.region,
       CASE consent.state WHEN 'granted' THEN 'granted' WHEN 'denied' THEN 'denied'
                          ELSE 'unknown' END AS ad_consent
FROM member
JOIN person ON person.customer_key = member.customer_key
LEFT JOIN consent ON consent.customer_key = member.customer_key AND consent.channel = 'ads'
