-- Accounts: customers who can sign in. A guest is a customer too, without a user; who signs up
-- later keeps that row, so that an account is as old as its user. Nothing says where somebody
-- registered: whoever has orders and carts in other channels alone is theirs. The language is
-- that of the latest order.
SELECT {{key(c.id)}} AS source_id,
       c.email,
       COALESCE(NULLIF(c.phone_number, ''), a.phone_number) AS phone,
       c.first_name,
       c.last_name,
       a.country_code AS country,
       a.postcode,
       a.city,
       COALESCE(NULLIF(a.province_name, ''), p.name) AS region,
       CAST(c.birthday AS DATE) AS birth_date,
       NULLIF(c.gender, 'u') AS gender,
       o.locale_code AS locale,
       {{utc(u.created_at)}} AS registered_at
FROM {{table(sylius_customer)}} c
JOIN {{table(sylius_shop_user)}} u ON u.customer_id = c.id
LEFT JOIN {{table(sylius_address)}} a ON a.id = c.default_address_id
LEFT JOIN {{table(sylius_province)}} p ON p.code = a.province_code
LEFT JOIN (
  SELECT o.customer_id,
         MAX({{in_stores(ch.code)}}) AS here,
         MAX(CASE WHEN o.state <> 'cart' AND {{in_stores(ch.code)}} THEN o.id END) AS latest
  FROM {{table(sylius_order)}} o
  JOIN {{table(sylius_channel)}} ch ON ch.id = o.channel_id
  GROUP BY o.customer_id
) seen ON seen.customer_id = c.id
LEFT JOIN {{table(sylius_order)}} o ON o.id = seen.latest
WHERE seen.here IS NOT FALSE
