"""What Shopware keeps in its own way: versions, amounts of lines, addresses of categories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from syncd.segments.macros import Expansion
from syncd.segments.systems import Source
from syncd.shop.engines import Limits, engine_of
from tests.integration.databases import Database, MakeDatabase, create_canonical
from tests.integration.shops.every import GUEST_KEY, SHOPWARE, loaded, people
from tests.integration.shops.goods import PRODUCTS
from tests.integration.shops.shopware import create_shopware
from tests.integration.shops.shopware_keys import LIVE, NO_TIME, channel, key, price, state_id
from tests.integration.shops.shopware_orders import IMPORTED, MORE_ORDERS, rate
from tests.integration.shops.world import AS_OF, EXPECTED, ORDERS, STORE, ZONE, Order
from tests.integration.test_systems_uci import Row, members, rows
from tests.integration.uci import LINES, load_uci

BOTH = replace(SHOPWARE, stores=(channel(1), channel(2)))
_HERE = [each for each in (*ORDERS, *MORE_ORDERS) if each.store == STORE]


@pytest.fixture
def shopware(make_database: MakeDatabase) -> Database:
    return loaded("shopware", make_database)


def asked(database: Database, relation: str, columns: str) -> list[tuple[object, ...]]:
    """What the shop says of a relation, in order."""
    views = ", ".join(SHOPWARE.views(f" {relation} "))
    sql = f"WITH {views} SELECT {columns} FROM {relation} ORDER BY {columns}"
    spell = Expansion("mysql", AS_OF, ZoneInfo(ZONE), {}, {}).expand
    engine, backend = engine_of(database.url, None, Limits())
    with engine.connect() as connection:
        begun = backend.begin(connection, Limits())
        found = begun.execute(text(spell(sql)), dict(SHOPWARE.binds)).all()
    engine.dispose()
    return [tuple(row) for row in found]


def test_an_order_is_what_it_is_without_its_drafts(shopware: Database) -> None:
    """In the base currency; a blocked account's is there, and nobody's."""
    found = asked(
        shopware,
        "orders",
        "order_key, is_paid, payment_failed, placed_at, currency, ROUND(1 / fx_to_base, 4)"
        ", ROUND(total_base, 4), ROUND(refunded_base, 4), coupon_codes, ship_to_other",
    )
    assert found == sorted(_order(each) for each in _HERE)
    nobodys = asked(shopware, "orders", "customer_key, order_key")[:2]
    jan = next(each.number for each in ORDERS if each.account == 20)
    assert nobodys == [(None, one) for one in sorted(key("order", n).hex() for n in (98, jan))]


def _order(order: Order) -> tuple[object, ...]:
    failed = order.state in ("pending", "failed") and order is not IMPORTED
    return (
        *(key("order", order.number).hex(), order.state in ("paid", "refunded")),
        *(failed, order.placed_at.replace(tzinfo=None)),
        *("EUR" if rate(order) == 1 else "USD", float(rate(order)), float(order.total)),
        *(float(order.refunded), order.code, order.to_other),
    )


def test_a_person_is_where_the_account_or_the_latest_order_says(shopware: Database) -> None:
    """Lena has an account; Xena and Ben are guests, and he ordered twice."""
    found = asked(
        shopware,
        "customers",
        "email, phone, first_name, last_name, country, postcode, city, region, locale, gender",
    )
    guests = {
        each.email.strip().lower(): ("A", "Jansen", "NL", each.number, None, None)
        for each in ORDERS
        if each.email.strip().lower() in ("ben@example.com", "xena@example.com")
    }
    known = {"lena@example.com": ("Lena", "Jansen", "BE", 22, "nl-NL", "f"), **guests}
    assert [row for row in found if row[0] in known] == [
        (
            *(mail, f"+31 6 {number}", first, last, country, f"35{number}"),
            *("Utrecht", "Utrecht (provincie)", locale, gender),
        )
        for mail, (first, last, country, number, locale, gender) in sorted(known.items())
    ]


def test_a_line_costs_what_was_paid_for_it_and_is_of_the_product(shopware: Database) -> None:
    """With tax, less codes; of variants and of products that are gone, too."""
    found = asked(
        shopware,
        "order_items",
        "order_key, product_key, sku, qty, qty_refunded, ROUND(unit_paid, 4), on_sale",
    )
    assert found == sorted(
        (
            *(key("order", order.number).hex(), key("product", line.product.number).hex()),
            *(line.product.sold_as, line.qty, 0 if order.state == "refunded" else line.back),
            *(float(line.unit_paid * rate(order)), line.on_sale),
        )
        for order in _HERE
        for line in order.lines
    )


def test_a_product_is_there_once_from_the_day_on_which_it_came_out(shopware: Database) -> None:
    """The gift card is gone."""
    assert asked(shopware, "products", "sku, product_key, launched_at") == sorted(
        (each.sku, key("product", each.number).hex(), each.launched_at.replace(tzinfo=None))
        for each in PRODUCTS
        if not each.gift_card
    )


@pytest.mark.parametrize(
    ("category", "who"),
    [
        ("/home-garden/candles", "anna ben"),
        ("/de/home-garden/candles", "anna ben"),
        ("candles-de", "anna ben"),
        ("/coffee & tea", "anna ben carla mo nina umar"),
        ("/home & garden/throws", "anna ben eva lena"),  # as its German page is off
        ("/de/home-garden/throws", ""),
        ("/feed/home-garden", ""),  # a plug-in's page
        ("/old/home-garden", ""),  # where it was before
        ("/outlet/home-garden", ""),  # where it is in the other channel
        ("/catalogue #1", ""),
        ("new throws", ""),  # as a draft calls them
        ("/new coffee & tea", ""),
    ],
)
def test_a_category_is_found_by_its_address_and_else_by_names(
    shopware: Database, category: str, who: str
) -> None:
    found = set(people(shopware, "category_buyers", SHOPWARE, category=category))
    assert found == set(who.split())


def test_of_two_channels_the_latest_word_counts(shopware: Database) -> None:
    """Of who was confirmed when that was, whenever the row was touched since."""
    found = set(people(shopware, "newsletter_subscribers", BOTH))
    assert found == EXPECTED["newsletter_subscribers"] - {"anna"} | {"hugo"}


def test_consent_is_taken_from_a_custom_field(shopware: Database) -> None:
    """Umar's too, who registered in the other channel; not Hugo's, who bought there as well."""
    words = ((11, "true"), (13, "false"), (15, '"perhaps"'), (17, "null"), (18, "1"), (31, '"no"'))
    for number, word in words:
        shopware.execute(
            f"UPDATE customer SET custom_fields = '{{\"ads_ok\": {word}}}' "
            f"WHERE id = X'{key('customer', number).hex()}'"
        )
    guests = [(each.number, each.email) for each in ORDERS if each.account is None]
    for number, email in guests:
        if email.startswith(("xena", "kees")):
            shopware.execute(
                'UPDATE customer SET custom_fields = \'{"ads_ok": "on"}\' '
                f"WHERE id = X'{key('customer', number).hex()}'"
            )
    found = people(shopware, "all_customers", replace(SHOPWARE, consents={"ads": "ads_ok"}))
    said = {who: row["ad_consent"] for who, row in found.items()}
    told = {"anna": "granted", "carla": "denied", "umar": "denied", "xena": "granted"}
    assert said == {**dict.fromkeys(found, "unknown"), **told}
    known = people(shopware, "prospects_all", replace(SHOPWARE, consents={"ads": "ads_ok"}))
    assert not {"kees", "hugo"} & set(known)


@pytest.mark.shared_data
@pytest.mark.skipif(not LINES.exists(), reason="../shared/data/uci_online_retail is not here")
def test_shopware_has_the_members_of_the_same_orders(make_database: MakeDatabase) -> None:
    """A tenth of the UCI gift shop's customers, as those of WooCommerce."""
    whole, canonical, shopware = (make_database(each) for each in ("sqlite", "sqlite", "mysql"))
    load_uci(whole, goods=False)
    known, orders = rows(whole, "customers", _CUSTOMERS), rows(whole, "orders", _ORDERS)
    create_canonical(canonical)
    canonical.load("customers", _CUSTOMERS, known)
    canonical.load("orders", _ORDERS, orders)
    create_shopware(shopware)
    _load_customers(shopware, known, orders)
    _load_orders(shopware, orders)
    source = Source("shopware", GUEST_KEY)
    for name in ("all_customers", "whales", "win_back", "q4_buyers"):
        expected = {
            f"c:{key('customer', number[2:]).hex()}": worth
            for number, worth in members(canonical, name, None).items()
        }
        assert len(expected) > 50
        assert members(shopware, name, source) == expected


_CUSTOMERS = ("customer_key", "email", "phone", "first_name", "last_name", "country", "deleted")
_ORDERS = ("order_key", "customer_key", "is_paid", "placed_at", "total_base", "refunded_base")
_CHANNEL = bytes.fromhex(channel(STORE))


def _load_customers(database: Database, known: Sequence[Row], orders: Sequence[Row]) -> None:
    """Everyone registered a day before the first order, so that the account's key is theirs."""
    first: dict[object, str] = {}
    for order in orders:
        first[order[1]] = min(first.get(order[1], "9999"), str(order[3]))
    database.load(
        "customer",
        (
            *("id", "sales_channel_id", "language_id", "default_billing_address_id"),
            *("customer_number", "first_name", "last_name", "email", "created_at"),
        ),
        [
            (
                *(key("customer", str(number)[2:]), _CHANNEL, LIVE, LIVE, number, "A", "B", mail),
                datetime.fromisoformat(first[number]) - timedelta(days=1),
            )
            for number, mail, *_ in known
            if number in first
        ],
    )


def _load_orders(database: Database, orders: Sequence[Row]) -> None:
    """Each with who ordered, and one payment."""
    database.load(
        "`order`",
        (
            *("id", "version_id", "state_id", "currency_id", "currency_factor"),
            *("sales_channel_id", "billing_address_id", "billing_address_version_id", "price"),
            *("order_date_time", "created_at"),
        ),
        [
            (
                *(key("order", number), LIVE, state_id("order", "open"), LIVE, 1, _CHANNEL),
                *(LIVE, LIVE, price(total, total), at, NO_TIME),
            )
            for number, _, _, at, total, _ in orders
        ],
    )
    database.load(
        "order_customer",
        (
            *("id", "version_id", "customer_id", "order_id", "order_version_id", "email"),
            *("first_name", "last_name", "created_at"),
        ),
        [
            (
                *(key("party", number), LIVE, key("customer", str(who)[2:]), key("order", number)),
                *(LIVE, "", "A", "B", NO_TIME),
            )
            for number, who, *_ in orders
        ],
    )
    paid = state_id("payment", "paid")
    database.load(
        "order_transaction",
        (
            *("id", "version_id", "order_id", "order_version_id", "state_id", "amount"),
            "created_at",
        ),
        [
            (
                *(key("payment", number), LIVE, key("order", number), LIVE, paid),
                *(price(total, total), at),
            )
            for number, _, _, at, total, _ in orders
        ],
    )
