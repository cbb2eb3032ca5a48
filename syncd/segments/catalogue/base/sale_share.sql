-- Of each person's lines in the last `window` days: how many there are, what they came to,
-- and what of it was on sale.
SELECT customer_key,
       COUNT(*) AS n_lines,
       SUM(spent) AS spent,
       SUM(CASE WHEN on_sale THEN spent ELSE 0 END) AS spent_on_sale
FROM (
  SELECT paid_order.customer_key,
         order_items.on_sale,
         {{spent(order_items, orders)}} AS spent
  FROM paid_order
  JOIN orders ON orders.order_key = paid_order.order_key
  JOIN order_items ON order_items.order_key = paid_order.order_key
  WHERE order_items.qty > COALESCE(order_items.qty_refunded, 0)
    AND paid_order.placed_at >= {{ago(window)}}
) bought
GROUP BY customer_key
