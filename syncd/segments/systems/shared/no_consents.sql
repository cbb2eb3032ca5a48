-- The system keeps no consent, and none is configured: what everyone thinks is unknown.
SELECT account, email, 'email' AS channel, 'unknown' AS state, placed_at AS changed_at
FROM shop_orders
WHERE FALSE
