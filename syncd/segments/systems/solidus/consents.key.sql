-- What accounts said, and guests with the latest order that says it, in a metadata key that the
-- configuration names; where both metadata have it, what staff alone can write counts. It has
-- no moment, so that of two words the one that allows less counts.
SELECT c.account,
       c.email,
       '{{channel()}}' AS channel,
       CASE WHEN c.said IN ('yes', '1', 'true', 'on') THEN 'granted'
            WHEN c.said IN ('no', '0', 'false', 'off') THEN 'denied'
            ELSE 'unknown' END AS state,
       CAST(NULL AS timestamp) AS changed_at
FROM (
  SELECT source_id AS account, email,
         LOWER(COALESCE(admin_metadata ->> :consent_{{channel()}},
                        customer_metadata ->> :consent_{{channel()}})) AS said
  FROM shop_customers
  UNION ALL
  SELECT *
  FROM (
    SELECT DISTINCT ON ({{folded(o.email)}}) CAST(NULL AS text) AS account, o.email, o.said
    FROM (
      SELECT orders.id, orders.email, orders.completed_at,
             LOWER(COALESCE(to_jsonb(orders) -> 'admin_metadata' ->> :consent_{{channel()}},
                            to_jsonb(orders) -> 'customer_metadata' ->> :consent_{{channel()}})) AS said
      FROM {{table(spree_orders)}} orders
      WHERE orders.user_id IS NULL
        AND orders.completed_at IS NOT NULL
        AND {{in_stores(orders.store_id)}}
    ) o
    WHERE o.said IS NOT NULL
    ORDER BY {{folded(o.email)}}, o.completed_at DESC, o.id DESC
  ) latest
) c
WHERE c.said IS NOT NULL
