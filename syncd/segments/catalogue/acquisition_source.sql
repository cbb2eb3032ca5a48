-- Buyers whose first order came by one of the sources and, where given, by one of the kinds
-- of traffic and one of the campaigns. Of two first orders at one moment the lower key counts.
SELECT customer_key
FROM (
  SELECT customer_key,
         paid_order.utm_source,
         paid_order.utm_medium,
         paid_order.utm_campaign,
         ROW_NUMBER() OVER (
           PARTITION BY customer_key ORDER BY placed_at, {{bytes(order_key)}}
         ) AS place
  FROM paid_order
) first_order
WHERE place = 1
  AND {{one_of(utm_source, sources)}}
  AND {{one_of(utm_medium, mediums)}}
  AND {{one_of(utm_campaign, campaigns)}}
