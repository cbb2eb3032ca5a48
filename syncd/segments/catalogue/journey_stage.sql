-- Each person is at one stage, the last of these that fits them: prospect, never bought;
-- cart, the same with a cart left in the last 30 days; first, one order; repeat, more;
-- loyal, by the rule of that name; lapsing, overdue by the rule of win_back, or with one
-- order more than 30 days ago; lost, the last order more than 730 days ago.
SELECT customer_key
FROM (
  SELECT person.customer_key,
         CASE WHEN :today - rhythm.last_day > 730 THEN 'lost'
              WHEN rhythm.gaps >= 2
               AND :today - rhythm.last_day > 1.5 * 7
               AND (:today - rhythm.last_day) * rhythm.gaps
                   > 1.5 * (rhythm.last_day - rhythm.first_day) THEN 'lapsing'
              WHEN standing.n_orders = 1 AND :today - rhythm.last_day > 30 THEN 'lapsing'
              WHEN standing.n_orders >= 3
               AND standing.n_orders * standing.all_buyers >= 2 * standing.all_orders
               AND standing.revenue_rank >= 0.5
               AND :today - rhythm.last_day <= 180 THEN 'loyal'
              WHEN standing.n_orders >= 2 THEN 'repeat'
              WHEN standing.n_orders = 1 THEN 'first'
              WHEN carted.customer_key IS NOT NULL THEN 'cart'
              ELSE 'prospect' END AS stage
  FROM person
  LEFT JOIN standing ON standing.customer_key = person.customer_key
  LEFT JOIN rhythm ON rhythm.customer_key = person.customer_key
  LEFT JOIN (
    SELECT DISTINCT customer_key FROM left_cart WHERE updated_at >= {{days_ago(30)}}
  ) carted ON carted.customer_key = person.customer_key
) placed
WHERE {{one_of(stage, stages)}}
