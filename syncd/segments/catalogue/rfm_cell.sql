-- Each buyer is in one of eleven cells, by fifths of recency, frequency and money. Members are
-- those of the cells that `cells` names.
SELECT customer_key
FROM rfm_placed
WHERE {{one_of(cell, cells)}}
