-- Buyers whose first order came by one of the sources and, where given, by one of the kinds
-- of traffic and one of the campaigns. Of two first orders at one moment the lower key counts.
SELECT first_order.customer_key
FROM (
  SELECT customer_key,
         order_key,
         ROW_NUMBER() OVER (
           PARTITION BY customer_key ORDER BY placed_at, {{bytes(order_key)}}
         ) AS place
  FROM paid_order
) first_order
JOIN orders ON orders.order_key = first_order.order_key
WHERE first_order.place = 1
  AND {{one_of(orders.utm_source, sources)}}
  AND {{one_of(orders.utm_medium, mediums)}}
  AND {{one_of(orders.utm_campaign, campaigns)}}
