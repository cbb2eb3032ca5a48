-- Quotes with something in them, but for those that were merged into another at sign-in. A
-- new quote has a zero for the moment of its last change.
SELECT {{key(q.entity_id)}} AS cart_key,
       {{key(q.customer_id)}} AS account,
       q.customer_email AS email,
       q.created_at,
       CASE WHEN q.updated_at >= q.created_at THEN q.updated_at ELSE q.created_at END
         AS updated_at,
       bought.placed_at AS completed_at,
       q.base_currency_code AS currency,
       q.base_grand_total AS total
FROM {{table(quote)}} q
JOIN {{table(store)}} v ON v.store_id = q.store_id
LEFT JOIN (
  SELECT quote_id, MIN(created_at) AS placed_at
  FROM {{table(sales_order)}}
  GROUP BY quote_id
) bought ON bought.quote_id = q.entity_id
WHERE q.items_count > 0
  AND (q.is_active = 1 OR bought.placed_at IS NOT NULL)
  AND {{in_stores(v.website_id)}}
