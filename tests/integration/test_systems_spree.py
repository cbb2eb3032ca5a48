"""What Spree and Solidus say, row for row, where members of segments do not show it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import create_engine, text

from syncd.segments.macros import Expansion
from syncd.segments.systems import Source
from tests.integration.databases import Database, MakeDatabase
from tests.integration.shops.every import SHOPS, SOLIDUS, SPREE, loaded, people
from tests.integration.shops.goods import PRODUCTS
from tests.integration.shops.world import AS_OF, EXPECTED, ORDERS, STORE, ZONE

SPREES = tuple(name for name in SHOPS if name.startswith(("spree", "solidus")))
HERE = [each for each in ORDERS if each.store == STORE]

NEWER = {
    "spree": (
        "DELETE FROM spree_role_users WHERE user_type = 'Spree::AdminUser'",
        "ALTER TABLE spree_role_users DROP COLUMN user_type",
        *(
            f"ALTER TABLE spree_users DROP COLUMN {name}"
            for name in ("first_name", "last_name", "phone", "accepts_email_marketing")
        ),
        "ALTER TABLE spree_users DROP COLUMN public_metadata, DROP COLUMN private_metadata",
        "ALTER TABLE spree_orders DROP COLUMN public_metadata, DROP COLUMN private_metadata",
        "ALTER TABLE spree_taxons DROP COLUMN store_id",
        "ALTER TABLE spree_promotions DROP COLUMN multi_codes, DROP COLUMN kind",
        "DROP TABLE spree_newsletter_subscribers",
    ),
    "solidus": (
        "ALTER TABLE spree_users DROP COLUMN customer_metadata, DROP COLUMN admin_metadata",
        "ALTER TABLE spree_orders DROP COLUMN customer_metadata, DROP COLUMN admin_metadata",
    ),
}
BENS = ((104, "true"), (105, "false"))  # his orders, the later last, and what staff wrote there


def relation(
    database: Database, source: Source, name: str, columns: str
) -> list[tuple[object, ...]]:
    """Rows of a relation as segments read it."""
    views = source.views(f" {name} ")
    expansion = Expansion("postgresql", AS_OF, ZoneInfo(ZONE), {}, {})
    sql = expansion.expand(f"WITH {', '.join(views)} SELECT {columns} FROM {name}")
    engine = create_engine(database.url)
    with engine.connect() as connection:
        binds = {key: value for key, value in source.binds.items() if f":{key}" in sql}
        found = [tuple(row) for row in connection.execute(text(sql), binds)]
    engine.dispose()
    return found


@pytest.fixture(params=SPREES)
def shop(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def database(shop: str, make_database: MakeDatabase) -> Database:
    return loaded(shop, make_database)


def source_of(shop: str) -> Source:
    source = SHOPS[shop].source
    assert source
    return source


def test_orders_are_paid_and_paid_back_as_they_were(shop: str, database: Database) -> None:
    """A cart is none, unless its payment failed; an administrator's is nobody's."""
    columns = "order_key, is_paid, payment_failed, placed_at, total_base, refunded_base"
    found = relation(database, source_of(shop), "shop_orders", f"{columns}, ship_to_other")
    assert {row[0]: row[1:] for row in found if row[0] != "1"} == {
        str(each.number): (
            *(each.state in ("paid", "refunded"), each.state in ("pending", "failed")),
            *(each.placed_at.replace(tzinfo=None), each.total, each.refunded, each.to_other),
        )
        for each in HERE
    }


def test_lines_came_to_what_was_paid_for_them(shop: str, database: Database) -> None:
    """Less what codes took off a line or the whole order; Dirk's was paid back, and kept."""
    columns = "order_key, product_key, sku, qty, qty_refunded, ROUND(unit_paid, 4)"
    found = relation(database, source_of(shop), "order_items", columns)
    numbers = {str(each.number) for each in HERE}
    assert sorted(row for row in found if row[0] in numbers) == sorted(
        (
            *(str(order.number), str(line.product.number), line.product.sold_as, line.qty),
            *(line.back if order.account == 15 else 0, round(line.unit_paid, 4)),
        )
        for order in HERE
        for line in order.lines
    )


def test_a_product_has_its_masters_number(shop: str, database: Database) -> None:
    found = relation(database, source_of(shop), "products", "product_key, sku")
    assert sorted(found) == sorted((str(each.number), each.sku) for each in PRODUCTS)


def test_a_cart_is_completed_once_it_is_an_order(shop: str, database: Database) -> None:
    found = relation(database, source_of(shop), "shop_carts", "cart_key, completed_at")
    completed = {str(key): at for key, at in found if at is not None}
    assert {key: at for key, at in completed.items() if key != "1"} == {
        str(each.number): each.placed_at.replace(tzinfo=None)
        for each in HERE
        if each.state != "failed"
    }


def test_a_subscription_counts_once_it_is_confirmed_and_until_the_account_says_no(
    make_database: MakeDatabase,
) -> None:
    lately = datetime(2026, 1, 15, 12)  # noqa: DTZ001  (as the column has it)
    assert consents(loaded("spree", make_database), SPREE) == {
        "anna@example.com": ("granted", lately),
        "ben@example.com": ("granted", lately),
        "olga@example.com": ("granted", lately),
        "piet@example.com": ("pending", None),
        "quinn@example.com": ("denied", None),
    }


def test_an_account_that_says_yes_and_never_subscribed_said_so(
    make_database: MakeDatabase,
) -> None:
    database = loaded("spree", make_database)
    words = "UPDATE spree_users SET accepts_email_marketing = {} WHERE id = 24"
    database.execute(words.format("true"))
    found = consents(database, SPREE)
    database.execute(words.format("false"))
    assert found["nina@example.com"] == ("granted", None)


def test_metadata_of_accounts_and_of_guests_orders_may_say_it(make_database: MakeDatabase) -> None:
    """What staff wrote comes first. Jan's account was deleted, and Kees ordered elsewhere."""
    database = loaded("spree", make_database)
    kees = next(each.number for each in ORDERS if each.email.startswith("kees"))
    for table, number, public, private in (
        ("spree_users", 11, '{"ads": true}', None),
        ("spree_users", 13, '{"ads": "Yes"}', '{"ads": "off"}'),
        ("spree_users", 15, '{"ads": "perhaps"}', "{}"),
        ("spree_users", 20, None, '{"ads": 1}'),
        ("spree_orders", 504, '{"ads": 1}', None),
        ("spree_orders", 101, '{"ads": 0}', None),
        ("spree_orders", kees, '{"ads": 1}', None),
        *(("spree_orders", each, '{"ads": 1}', f'{{"ads": {word}}}') for each, word in BENS),
    ):
        cells = (f"NULLIF('{each or ''}', '')::jsonb" for each in (public, private))
        names = "(public_metadata, private_metadata)"
        row = f"({', '.join(cells)})"
        database.execute(f"UPDATE {table} SET {names} = {row} WHERE id = {number}")
    assert consents(database, replace(SPREE, consents={"ads": "ads"})) == {
        "Anna@Example.COM": ("granted", None),
        "carla@example.com": ("denied", None),
        "eva@example.com": ("unknown", None),
        "  ben@example.com ": ("denied", None),
    }


@pytest.mark.parametrize("shop", ["spree", "solidus"])
def test_an_older_shop_without_newer_columns_is_read_alike(
    shop: str, make_database: MakeDatabase
) -> None:
    """As Spree 4.3 and Solidus 3.0 have it; nothing but what a shop has asked for needs them."""
    database = make_database("postgresql")
    SHOPS[shop].load(database)
    database.execute(*NEWER[shop])
    source = replace(source_of(shop), consents={})
    assert set(people(database, "all_customers", source)) == EXPECTED["all_customers"]
    found = people(database, "category_buyers", source, category="/Home-Garden")
    assert set(found) == {"anna", "ben", "eva", "lena"}


def test_a_name_of_one_text_is_a_first_word_and_the_rest(make_database: MakeDatabase) -> None:
    """Of the address to bill, and not of where something was sent lately."""
    database = loaded("solidus", make_database)
    columns = "source_id, first_name, last_name, country"
    found = {row[0]: row[1:] for row in relation(database, SOLIDUS, "shop_customers", columns)}
    assert (found["22"], found["11"]) == (("Lena", "J", "BE"), ("Anna", "J", "NL"))
    names = "order_key, first_name, last_name"
    orders = relation(database, SOLIDUS, "shop_orders", names)
    assert {row[1:] for row in orders} == {("A", "Jansen")}


def consents(database: Database, source: Source) -> dict[object, tuple[object, ...]]:
    """State and moment by the e-mail that the shop has."""
    found = relation(database, source, "shop_consents", "email, state, changed_at")
    assert len({row[0] for row in found}) == len(found)
    return {row[0]: row[1:] for row in found}
