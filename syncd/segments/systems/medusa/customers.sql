-- Accounts; guests are customers too, without one. Nothing says where somebody registered:
-- whoever ordered in other sales channels alone is theirs.
SELECT {{key(c.id)}} AS source_id,
       c.email,
       COALESCE(c.phone, a.phone) AS phone,
       c.first_name,
       c.last_name,
       UPPER(a.country_code) AS country,
       a.postal_code AS postcode,
       a.city,
       a.province AS region,
       c.created_at AS registered_at
FROM {{table(customer)}} c
LEFT JOIN (
  SELECT DISTINCT ON (customer_id) customer_id, phone, country_code, postal_code, city, province
  FROM {{table(customer_address)}}
  WHERE deleted_at IS NULL
  ORDER BY customer_id, is_default_billing DESC, id
) a ON a.customer_id = c.id
LEFT JOIN (
  SELECT o.customer_id, BOOL_OR({{in_stores(o.sales_channel_id)}}) AS here
  FROM {{table(order)}} o
  GROUP BY o.customer_id
) ordered ON ordered.customer_id = c.id
WHERE c.has_account
  AND c.deleted_at IS NULL
  AND ordered.here IS NOT FALSE
