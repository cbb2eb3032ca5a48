-- The newsletter: a flag of a customer, guests too, that has no moment. Who was never asked and
-- who left look alike, so that without it nothing is known. An account that is not enabled yet
-- has still to confirm its e-mail. The flag of a deleted account is nobody's.
SELECT CASE WHEN u.id IS NOT NULL THEN {{key(c.id)}} END AS account,
       c.email,
       'email' AS channel,
       CASE WHEN u.enabled = 0 THEN 'pending' ELSE 'granted' END AS state,
       CAST(NULL AS DATETIME) AS changed_at
FROM {{table(sylius_customer)}} c
LEFT JOIN {{table(sylius_shop_user)}} u ON u.customer_id = c.id
LEFT JOIN (
  SELECT o.customer_id, MAX({{in_stores(ch.code)}}) AS here, MIN(o.created_by_guest) AS as_guest
  FROM {{table(sylius_order)}} o
  JOIN {{table(sylius_channel)}} ch ON ch.id = o.channel_id
  GROUP BY o.customer_id
) seen ON seen.customer_id = c.id
WHERE c.subscribed_to_newsletter = 1
  AND seen.here IS NOT FALSE
  AND (u.id IS NOT NULL OR seen.as_guest IS NOT FALSE)
