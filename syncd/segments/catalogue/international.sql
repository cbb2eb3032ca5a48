-- Buyers whose latest delivery address lies in another country than the shop.
SELECT buyer.customer_key
FROM buyer
JOIN person ON person.customer_key = buyer.customer_key
WHERE TRIM(person.country) <> ''
  AND NOT {{one_of(person.country, home)}}
