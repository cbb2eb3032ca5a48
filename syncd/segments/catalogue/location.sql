-- Buyers whose latest delivery address lies in one of the countries and, where given, in
-- one of the regions, in one of the cities, and under a postcode that begins as said.
SELECT buyer.customer_key
FROM buyer
JOIN person ON person.customer_key = buyer.customer_key
WHERE {{one_of(person.country, countries)}}
  AND {{one_of(person.region, regions)}}
  AND {{one_of(person.city, cities)}}
  AND {{begins(person.postcode, postcodes)}}
