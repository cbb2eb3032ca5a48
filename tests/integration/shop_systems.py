"""The tables by which shop systems are known, each with one customer, as far as init looks.

Names are those that the systems give; types are the simplest that all three databases have.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.integration.databases import Dialect


@dataclass(frozen=True)
class Shop:
    """A small shop of one system.

    Attributes:
        name: As `shop.schema` has it.
        at: Where it usually is.
        tables: What its tables' columns are, by their names without the prefix.
        rows: Statements that fill them; `{p}` is the prefix.
        fields: What its one customer is, as an example gives it; none where there is no example.
    """

    name: str
    at: Dialect
    tables: dict[str, str]
    rows: tuple[str, ...]
    fields: tuple[str | None, ...] = ()
    prefix: str = ""
    layout: str = ""
    timezone: str = ""
    country: str = ""

    def statements(self, prefix: str, quote: str) -> list[str]:
        """What makes it, every name of a table quoted."""

        def named(table: str) -> str:
            return f"{quote}{prefix}{table}{quote}"

        made = [f"CREATE TABLE {named(table)} ({cells})" for table, cells in self.tables.items()]
        names = {table: named(table) for table in self.tables}
        return made + [row.format(**names) for row in self.rows]


_PEOPLE = "first_name VARCHAR(40), last_name VARCHAR(40)"
_ANNA = ("anna@example.org", "+31 6 12345678", "Anna", "Jansen", "NL", "1012AB")
_VALUES = "'anna@example.org', '+31 6 12345678', 'Anna', 'Jansen'"
_PHONE = "'+31 6 12345678'"

SHOPS = {
    "woocommerce": Shop(
        "woocommerce",
        "mysql",
        {
            "woocommerce_order_items": "order_item_id INTEGER",
            "posts": "ID INTEGER",
            "options": "option_name VARCHAR(80), option_value VARCHAR(80)",
            "users": "ID INTEGER, user_email VARCHAR(80)",
            "usermeta": "user_id INTEGER, meta_key VARCHAR(80), meta_value VARCHAR(80)",
        },
        (
            "INSERT INTO {options} VALUES ('timezone_string', 'Europe/Amsterdam')",
            "INSERT INTO {options} VALUES ('woocommerce_default_country', 'US:CA')",
            "INSERT INTO {options} VALUES ('woocommerce_custom_orders_table_enabled', 'yes')",
            "INSERT INTO {users} VALUES (7, 'anna@example.org'), (8, 'deleted@site.invalid')",
            f"INSERT INTO {{usermeta}} VALUES (7, 'billing_phone', {_PHONE})",
            "INSERT INTO {usermeta} VALUES (7, 'billing_first_name', 'Anna')",
            "INSERT INTO {usermeta} VALUES (7, 'billing_last_name', 'Jansen')",
            "INSERT INTO {usermeta} VALUES (7, 'billing_country', 'NL')",
            "INSERT INTO {usermeta} VALUES (7, 'billing_postcode', '1012AB')",
        ),
        prefix="wp_",
        layout="hpos",
        timezone="Europe/Amsterdam",
        country="US",
    ),
    "magento": Shop(
        "magento",
        "mysql",
        {
            "sales_order": "entity_id INTEGER",
            "sales_order_item": "item_id INTEGER",
            "eav_attribute": "attribute_id INTEGER",
            "core_config_data": "scope VARCHAR(9), path VARCHAR(80), value VARCHAR(80)",
            "customer_entity": "entity_id INTEGER, email VARCHAR(80), firstname VARCHAR(40), "
            "lastname VARCHAR(40), default_billing INTEGER, is_active INTEGER",
            "customer_address_entity": "entity_id INTEGER, telephone VARCHAR(40), "
            "country_id VARCHAR(2), postcode VARCHAR(20)",
            "newsletter_subscriber": "customer_id INTEGER, subscriber_status INTEGER",
        },
        (
            (
                "INSERT INTO {core_config_data} VALUES ('default', 'general/locale/timezone', "
                "'Europe/Berlin'), ('websites', 'general/locale/timezone', 'Asia/Tokyo'), "
                "('default', 'general/country/default', 'DE')"
            ),
            "INSERT INTO {customer_entity} VALUES (7, 'anna@example.org', 'Anna', 'Jansen', 3, 1)",
            "INSERT INTO {customer_entity} VALUES (8, 'ben@example.org', 'Ben', 'Bos', 3, 1)",
            f"INSERT INTO {{customer_address_entity}} VALUES (3, {_PHONE}, 'NL', '1012AB')",
            "INSERT INTO {newsletter_subscriber} VALUES (7, 1), (8, 3)",
        ),
        timezone="Europe/Berlin",
        country="DE",
    ),
    "prestashop": Shop(
        "prestashop",
        "mysql",
        {
            "order_detail": "id_order INTEGER",
            "order_state": "id_order_state INTEGER",
            "cart_rule": "id_cart_rule INTEGER",
            "configuration": "name VARCHAR(80), value VARCHAR(80)",
            "country": "id_country INTEGER, iso_code VARCHAR(2)",
            "customer": "id_customer INTEGER, email VARCHAR(80), firstname VARCHAR(40), "
            "lastname VARCHAR(40), active INTEGER, deleted INTEGER, is_guest INTEGER, "
            "newsletter INTEGER",
            "address": "id_address INTEGER, id_customer INTEGER, id_country INTEGER, "
            "phone VARCHAR(40), phone_mobile VARCHAR(40), postcode VARCHAR(20), deleted INTEGER",
        },
        (
            (
                "INSERT INTO {configuration} VALUES ('PS_TIMEZONE', 'Europe/Paris'), "
                "('PS_COUNTRY_DEFAULT', '2')"
            ),
            "INSERT INTO {country} VALUES (1, 'NL'), (2, 'FR')",
            "INSERT INTO {customer} VALUES (7, 'anna@example.org', 'Anna', 'Jansen', 1, 0, 0, 1)",
            "INSERT INTO {customer} VALUES (8, 'ben@example.org', 'Ben', 'Bos', 1, 0, 1, 1)",
            (
                f"INSERT INTO {{address}} VALUES (3, 7, 2, '', '', '75001', 0), "
                f"(4, 7, 1, {_PHONE}, '', '1012AB', 0)"
            ),
        ),
        prefix="ps4x_",
        timezone="Europe/Paris",
        country="FR",
    ),
    "shopware": Shop(
        "shopware",
        "mysql",
        {
            "state_machine_state": "technical_name VARCHAR(40)",
            "sales_channel": "country_id VARBINARY(16), active INTEGER",
            "order_customer": "email VARCHAR(80)",
            "order": "order_number VARCHAR(40)",
            "country": "id VARBINARY(16), iso VARCHAR(2)",
        },
        (
            "INSERT INTO {country} VALUES (X'01', 'NL'), (X'02', 'BE')",
            "INSERT INTO {sales_channel} VALUES (X'01', 1), (X'01', 1), (X'02', 0)",
        ),
        country="NL",
    ),
    "medusa": Shop(
        "medusa",
        "postgresql",
        {
            "order": "id VARCHAR(40), version INTEGER",
            "order_summary": "order_id VARCHAR(40), totals VARCHAR(80)",
            "order_line_item": "id VARCHAR(40)",
            "customer": f"id VARCHAR(40), email VARCHAR(80), phone VARCHAR(40), {_PEOPLE}, "
            "has_account BOOLEAN, deleted_at TIMESTAMP NULL",
            "customer_address": "customer_id VARCHAR(40), country_code VARCHAR(2), "
            "is_default_billing BOOLEAN, deleted_at TIMESTAMP NULL",
        },
        (
            (
                f"INSERT INTO {{customer}} VALUES ('cus_7', {_VALUES}, true, NULL), "
                "('cus_8', 'anna@example.org', NULL, NULL, NULL, false, NULL)"
            ),
            "INSERT INTO {customer_address} VALUES ('cus_7', 'nl', true, NULL)",
        ),
    ),
    "shopify": Shop(
        "shopify",
        "postgresql",
        {
            "order": "id BIGINT",
            "order_line": "order_id BIGINT, variant_id BIGINT",
            "shop": "iana_timezone VARCHAR(40), country_code VARCHAR(2)",
            "customer": f"id BIGINT, email VARCHAR(80), phone VARCHAR(40), {_PEOPLE}",
            "customer_address": "customer_id BIGINT, is_default BOOLEAN, country_code VARCHAR(2), "
            "zip VARCHAR(20)",
        },
        (
            "INSERT INTO {shop} VALUES ('America/New_York', 'us')",
            f"INSERT INTO {{customer}} VALUES (7, {_VALUES})",
            (
                "INSERT INTO {customer_address} VALUES (7, true, 'NL', '1012AB'), "
                "(7, false, 'BE', '1000')"
            ),
        ),
        layout="fivetran",
        timezone="America/New_York",
        country="US",
    ),
    "shopify by airbyte": Shop(
        "shopify",
        "postgresql",
        {
            "orders": "id BIGINT, line_items VARCHAR(80), _airbyte_extracted_at TIMESTAMP",
            "customers": f"id BIGINT, email VARCHAR(80), phone VARCHAR(40), {_PEOPLE}, "
            "default_address VARCHAR(80)",
        },
        (f"INSERT INTO {{customers}} VALUES (7, {_VALUES}, '')",),
        layout="airbyte",
    ),
    "saleor": Shop(
        "saleor",
        "postgresql",
        {
            "order_order": "id VARCHAR(40)",
            "order_orderline": "id VARCHAR(40)",
            "checkout_checkout": "token VARCHAR(40)",
            "account_user": "id INTEGER",
            "channel_channel": "slug VARCHAR(40), is_active BOOLEAN, default_country VARCHAR(2)",
        },
        (
            (
                "INSERT INTO {channel_channel} VALUES ('webshop', true, 'NL'), "
                "('app', true, 'NL'), ('default-channel', false, 'US')"
            ),
        ),
        country="NL",
    ),
    "spree": Shop(
        "spree",
        "postgresql",
        {
            "spree_line_items": "id INTEGER",
            "spree_orders": "id INTEGER, payment_state VARCHAR(20)",
            "spree_role_users": "role_id INTEGER",
            "spree_users": "id INTEGER",
            "spree_countries": "id INTEGER, iso VARCHAR(2)",
            "spree_stores": "id INTEGER, default_country_id INTEGER",
        },
        (
            "INSERT INTO {spree_countries} VALUES (1, 'NL'), (2, 'BE')",
            "INSERT INTO {spree_stores} VALUES (1, 2), (2, 2), (3, NULL)",
        ),
        country="BE",
    ),
    "spree, users": Shop(
        "spree",
        "postgresql",
        {
            "spree_line_items": "id INTEGER",
            "spree_orders": "id INTEGER, payment_state VARCHAR(20)",
            "spree_role_users": "role_id INTEGER",
            "spree_users": "id INTEGER",
            "users": "id INTEGER",
        },
        ("INSERT INTO {users} VALUES (7)",),
        layout="users",
    ),
    "solidus": Shop(
        "solidus",
        "postgresql",
        {
            "spree_line_items": "id INTEGER",
            "spree_orders": "id INTEGER, payment_state VARCHAR(20)",
            "spree_addresses": "id INTEGER, name VARCHAR(40)",
            "spree_roles_users": "role_id INTEGER",
            "spree_users": "id INTEGER",
            "users": "id INTEGER",
            "spree_stores": "id INTEGER, cart_tax_country_iso VARCHAR(2)",
        },
        (
            "INSERT INTO {users} VALUES (7)",
            "INSERT INTO {spree_users} VALUES (7)",
            "INSERT INTO {spree_stores} VALUES (1, 'FR'), (2, NULL)",
        ),
        layout="spree_users",
        country="FR",
    ),
    "spree6": Shop(
        "spree6",
        "postgresql",
        {
            "spree_line_items": "id INTEGER",
            "spree_carts": "id INTEGER",
            "spree_orders": "id INTEGER, payment_status VARCHAR(20), email VARCHAR(80), "
            "bill_address_id INTEGER, completed_at TIMESTAMP NULL",
            "spree_addresses": "id INTEGER, phone VARCHAR(40), zipcode VARCHAR(20), "
            "country_code VARCHAR(2)",
        },
        (
            f"INSERT INTO {{spree_addresses}} VALUES (3, {_PHONE}, '1012AB', 'NL')",
            (
                "INSERT INTO {spree_orders} VALUES "
                "(1, 'paid', 'anna@example.org', 3, '2026-01-01 00:00'), "
                "(2, 'paid', 'anna@example.org', 3, '2026-02-01 00:00'), "
                "(3, NULL, 'ben@example.org', 3, NULL)"
            ),
        ),
        ("anna@example.org", *_ANNA[:2], None, None, *_ANNA[4:]),
    ),
    "sylius": Shop(
        "sylius",
        "mysql",
        {
            "sylius_order": "id INTEGER",
            "sylius_order_item": "id INTEGER",
            "sylius_customer": "id INTEGER",
            "sylius_shop_billing_data": "id INTEGER, country_code VARCHAR(2)",
        },
        ("INSERT INTO {sylius_shop_billing_data} VALUES (1, 'pl'), (2, ''), (3, 'pl')",),
        layout="core",
        country="PL",
    ),
    "sylius with its refund plug-in": Shop(
        "sylius",
        "mysql",
        {
            "sylius_order": "id INTEGER",
            "sylius_order_item": "id INTEGER",
            "sylius_customer": "id INTEGER",
            "sylius_shop_billing_data": "id INTEGER, country_code VARCHAR(2)",
            "sylius_refund_refund": "id INTEGER, order_id INTEGER, amount INTEGER",
        },
        ("INSERT INTO {sylius_shop_billing_data} VALUES (1, 'PL'), (2, 'FR')",),
        layout="refund_plugin",
    ),
}
