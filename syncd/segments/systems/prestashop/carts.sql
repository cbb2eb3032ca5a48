-- Carts with something in them; an order names the cart that it was.
SELECT {{key(k.id_cart)}} AS cart_key,
       CASE WHEN c.is_guest = 1 AND c.deleted = 0 THEN NULL
            ELSE {{key(NULLIF(k.id_customer, 0))}} END AS account,
       c.email,
       {{utc(k.date_add)}} AS created_at,
       {{utc(k.date_upd)}} AS updated_at,
       bought.placed_at AS completed_at,
       cur.iso_code AS currency
FROM {{table(cart)}} k
LEFT JOIN {{table(customer)}} c ON c.id_customer = k.id_customer
LEFT JOIN {{table(currency)}} cur ON cur.id_currency = k.id_currency
LEFT JOIN (
  SELECT o.id_cart, MIN({{utc(o.date_add)}}) AS placed_at
  FROM {{table(orders)}} o
  GROUP BY o.id_cart
) bought ON bought.id_cart = k.id_cart
WHERE {{in_stores(k.id_shop)}}
  AND k.id_cart IN (SELECT p.id_cart FROM {{table(cart_product)}} p)
