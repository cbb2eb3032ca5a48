-- An example of a segment of your own: everybody who takes the newsletter.
--
-- One SELECT, one row a customer. `customer_key` is required, unique and never NULL; the
-- rest may be any of: email email_2 email_3 phone phone_2 phone_3 first_name last_name
-- country postcode city region birth_date gender device_id external_id value currency
-- ad_consent consent_at limited_data_use. `ad_consent` is granted, denied or unknown: denied
-- goes nowhere. `value`, what a customer is worth, is for audiences that are value-based.
SELECT
    c.customer_key,
    c.email,
    c.phone,
    c.first_name,
    c.last_name,
    c.country,
    c.postcode,
    -- `consents` is a history: only the latest word of each channel counts.
    CASE (
        SELECT a.state FROM consents AS a
        WHERE a.customer_key = c.customer_key AND a.channel = 'ads'
        ORDER BY a.changed_at DESC LIMIT 1
    )
        WHEN 'granted' THEN 'granted'
        WHEN 'denied' THEN 'denied'
        ELSE 'unknown'
    END AS ad_consent
FROM customers AS c
WHERE NOT c.deleted
  AND (
        SELECT n.state FROM consents AS n
        WHERE n.customer_key = c.customer_key AND n.channel = 'email'
        ORDER BY n.changed_at DESC LIMIT 1
  ) = 'granted'
