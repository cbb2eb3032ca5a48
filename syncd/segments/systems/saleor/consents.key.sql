-- What people said in a metadata key that the configuration names: in the account's own, or
-- where that is silent, and of guests, in the newest order that has it, where what was ticked
-- at the checkout ends up. None has a moment: an account's word has none, and a dated word of
-- a guest would count for newer.
SELECT said.account,
       said.email,
       '{{channel()}}' AS channel,
       CASE WHEN LOWER(said.word) IN ('yes', '1', 'true', 'on') THEN 'granted'
            WHEN LOWER(said.word) IN ('no', '0', 'false', 'off') THEN 'denied'
            ELSE 'unknown' END AS state,
       CAST(NULL AS timestamptz) AS changed_at
FROM (
  SELECT {{key(u.id)}} AS account, u.email, u.metadata ->> :consent_{{channel()}} AS word
  FROM {{table(account_user)}} u
  UNION ALL
  SELECT newest.account, newest.email, newest.word
  FROM (
    SELECT DISTINCT ON (o.user_id, CASE WHEN o.user_id IS NULL THEN {{folded(o.user_email)}} END)
           {{key(o.user_id)}} AS account, o.user_email AS email,
           o.metadata ->> :consent_{{channel()}} AS word
    FROM {{table(order_order)}} o
    JOIN {{table(channel_channel)}} c ON c.id = o.channel_id
    LEFT JOIN {{table(account_user)}} u ON u.id = o.user_id
    WHERE o.metadata ->> :consent_{{channel()}} IS NOT NULL
      AND u.metadata ->> :consent_{{channel()}} IS NULL
      AND o.status <> 'draft'
      AND {{in_stores(c.slug)}}
    ORDER BY o.user_id, CASE WHEN o.user_id IS NULL THEN {{folded(o.user_email)}} END,
             o.created_at DESC
  ) newest
) said
WHERE said.word IS NOT NULL
