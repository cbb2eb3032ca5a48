-- Whose an e-mail is; spelled for comparing only. DISTINCT makes engines build this once
-- and look it up by e-mail, instead of comparing every pair.
SELECT DISTINCT {{folded(email)}} AS mail, customer_key
FROM customers
WHERE deleted IS NOT TRUE
  AND TRIM(email) <> ''
