-- Of each person's lines in the last `window` days: how many there are, what they came to,
-- and what of it was on sale. What a line came to is worked out once, not for each sum.
SELECT customer_key,
       SUM(n_lines) AS n_lines,
       {{whole(SUM(spent))}} AS spent,
       {{whole(SUM(CASE WHEN on_sale THEN spent ELSE 0 END))}} AS spent_on_sale
FROM (
  SELECT paid_order.customer_key,
         order_items.on_sale,
         COUNT(*) AS n_lines,
         SUM({{spent(order_items, paid_order.fx_to_base)}}) AS spent
  FROM paid_order
  JOIN order_items ON order_items.order_key = paid_order.order_key
  WHERE order_items.qty > COALESCE(order_items.qty_refunded, 0)
    AND paid_order.placed_at >= {{ago(window)}}
  GROUP BY paid_order.customer_key, order_items.on_sale
) bought
GROUP BY customer_key
