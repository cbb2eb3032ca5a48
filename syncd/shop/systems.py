"""Shop systems by their tables, and where each keeps its time zone and country.

Sources: facts that stand in each system's own schema files, read in November 2026: WooCommerce
10, Magento 2.4, PrestaShop 8, Shopify as Fivetran and Airbyte copy it, Medusa 2, Saleor 3.23,
Shopware 6.6, Spree 5 and 6, Solidus 4, Sylius 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class System:
    """A shop system, or one of the ways in which it keeps its data.

    Attributes:
        name: As `shop.schema` has it.
        title: As people call it.
        tables: Those that together only it has, each with columns that it must have. What
            stands before the first one's name stands before all.
        prefixed: Whether something may.
        layout: SQL for the way in which it keeps its data, or the way itself; "" for one.
        timezone: SQL for the shop's time zone; "" where it is nowhere to be read.
        country: SQL for its country, likewise.
    """

    name: str
    title: str
    tables: Mapping[str, tuple[str, ...]]
    prefixed: bool = False
    layout: str = ""
    timezone: str = ""
    country: str = ""


def _option(name: str) -> str:
    return f"SELECT option_value FROM {{options}} WHERE option_name = '{name}'"


def _config(path: str) -> str:
    return f"SELECT value FROM {{core_config_data}} WHERE scope = 'default' AND path = '{path}'"


# Spree's own class of users makes its table even where the host application has another.
_ACCOUNTS = (
    "SELECT CASE WHEN EXISTS (SELECT 1 FROM {users}) AND NOT EXISTS (SELECT 1 FROM {spree_users}) "
    "THEN 'users' ELSE 'spree_users' END"
)
_SYLIUS: Mapping[str, tuple[str, ...]] = {
    "sylius_order_item": (),
    "sylius_order": (),
    "sylius_customer": (),
}
# Who bills: each channel can have its own, and then it is not plain.
_SYLIUS_COUNTRY = "SELECT country_code FROM {sylius_shop_billing_data} WHERE country_code <> ''"

# A shop with tables of the canonical model is read by those, whatever else is there.
SYSTEMS = (
    System(
        "canonical",
        "the canonical tables",
        {"customers": ("customer_key", "email"), "orders": ("order_key", "is_paid")},
    ),
    System(
        "woocommerce",
        "WooCommerce",
        {"woocommerce_order_items": (), "posts": (), "options": ("option_name",)},
        prefixed=True,
        layout="SELECT CASE WHEN EXISTS (SELECT 1 FROM {options} WHERE option_value = 'yes' AND "
        "option_name = 'woocommerce_custom_orders_table_enabled') THEN 'hpos' ELSE 'posts' END",
        timezone=_option("timezone_string"),
        country=_option("woocommerce_default_country"),
    ),
    System(
        "magento",
        "Magento",
        {"sales_order_item": (), "sales_order": (), "customer_entity": (), "eav_attribute": ()},
        prefixed=True,
        timezone=_config("general/locale/timezone"),
        country=_config("general/country/default"),
    ),
    System(
        "prestashop",
        "PrestaShop",
        {"order_detail": (), "order_state": (), "cart_rule": (), "configuration": ("name",)},
        prefixed=True,
        timezone="SELECT value FROM {configuration} WHERE name = 'PS_TIMEZONE'",
        country="SELECT iso_code FROM {country} WHERE id_country IN "
        "(SELECT value FROM {configuration} WHERE name = 'PS_COUNTRY_DEFAULT')",
    ),
    System(
        "shopware",
        "Shopware",
        {"state_machine_state": (), "sales_channel": (), "order_customer": (), "order": ()},
        country="SELECT iso FROM {country} WHERE id IN "
        "(SELECT country_id FROM {sales_channel} WHERE active = 1)",
    ),
    System(
        "medusa",
        "Medusa",
        {"order_summary": ("totals",), "order_line_item": (), "customer": ("has_account",)},
    ),
    System(
        "shopify",
        "Shopify, copied by Fivetran",
        {"order_line": ("order_id", "variant_id"), "order": (), "customer": ()},
        layout="fivetran",
        timezone="SELECT iana_timezone FROM {shop}",
        country="SELECT country_code FROM {shop}",
    ),
    System(
        "shopify",
        "Shopify, copied by Airbyte",
        {"orders": ("_airbyte_extracted_at", "line_items"), "customers": ("default_address",)},
        layout="airbyte",
        timezone="SELECT iana_timezone FROM {shop}",
        country="SELECT country_code FROM {shop}",
    ),
    System(
        "saleor",
        "Saleor",
        {"order_orderline": (), "order_order": (), "account_user": (), "checkout_checkout": ()},
        country="SELECT default_country FROM {channel_channel} WHERE is_active",
    ),
    System(
        "spree",
        "Spree",
        {"spree_line_items": (), "spree_orders": ("payment_state",), "spree_role_users": ()},
        layout=_ACCOUNTS,
        country="SELECT iso FROM {spree_countries} WHERE id IN "
        "(SELECT default_country_id FROM {spree_stores})",
    ),
    System(
        "solidus",
        "Solidus",
        {"spree_line_items": (), "spree_addresses": ("name",), "spree_roles_users": ()},
        layout=_ACCOUNTS,
        country="SELECT cart_tax_country_iso FROM {spree_stores}",
    ),
    System(
        "spree6",
        "Spree 6",
        {"spree_line_items": (), "spree_orders": ("payment_status",), "spree_carts": ()},
    ),
    System(
        "sylius",
        "Sylius, with its refund plug-in",
        {**_SYLIUS, "sylius_refund_refund": ("order_id", "amount")},
        layout="refund_plugin",
        country=_SYLIUS_COUNTRY,
    ),
    System("sylius", "Sylius", _SYLIUS, layout="core", country=_SYLIUS_COUNTRY),
)
