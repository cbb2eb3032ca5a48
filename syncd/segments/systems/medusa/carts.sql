-- Carts with something in them, and what that costs without delivery.
SELECT {{key(k.id)}} AS cart_key,
       CASE WHEN NOT c.has_account AND c.deleted_at IS NULL THEN NULL
            ELSE {{key(k.customer_id)}} END AS account,
       COALESCE(k.email, c.email) AS email,
       k.created_at,
       k.updated_at,
       k.completed_at,
       UPPER(k.currency_code) AS currency,
       i.total
FROM {{table(cart)}} k
LEFT JOIN {{table(customer)}} c ON c.id = k.customer_id
JOIN (
  SELECT cart_id, SUM(quantity * unit_price) AS total
  FROM {{table(cart_line_item)}}
  WHERE deleted_at IS NULL
  GROUP BY cart_id
) i ON i.cart_id = k.id
WHERE k.deleted_at IS NULL
  AND {{in_stores(k.sales_channel_id)}}
