-- Buyers who said they are of that sex. What nobody said is never guessed from a name.
SELECT buyer.customer_key
FROM buyer
JOIN customers ON customers.customer_key = buyer.customer_key
WHERE {{one_of(customers.gender, gender)}}
