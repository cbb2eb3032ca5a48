-- None: what is in a cart is in PHP's own format, often compressed, or not in the database.
SELECT NULL AS account, NULL AS email
FROM {{table(order)}} o
WHERE FALSE
