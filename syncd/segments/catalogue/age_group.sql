-- Buyers who gave a date of birth and are at least `min` and, where given, under `below`
-- years old. Nobody under 18 is ever a member.
SELECT buyer.customer_key
FROM buyer
JOIN customers ON customers.customer_key = buyer.customer_key
WHERE {{date(customers.birth_date)}} <= {{years_ago(min)}}
  AND {{date(customers.birth_date)}} > {{years_ago(below)}}
