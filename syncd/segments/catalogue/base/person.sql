-- Everyone who was not erased.
SELECT customer_key, email, phone, first_name, last_name, country, postcode, city, region
FROM customers
WHERE deleted IS NOT TRUE
