-- Buyers whose account or latest order is in one of the languages.
SELECT buyer.customer_key
FROM buyer
JOIN customers ON customers.customer_key = buyer.customer_key
WHERE {{one_of(SUBSTR(TRIM(customers.locale), 1, 2), languages)}}
  AND SUBSTR(TRIM(customers.locale), 3, 1) IN ('', '_', '-')
