"""What is Saleor's alone: accounts that are gone, what the commands say, and real orders."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import URL, make_url

from syncd.segments.systems import Source
from tests.integration.commands import Desk, Hands
from tests.integration.databases import Database, MakeDatabase, create_canonical
from tests.integration.shops.every import SALEOR, loaded, people
from tests.integration.shops.saleor import create_saleor, load_saleor
from tests.integration.shops.world import AS_OF, EXPECTED, ZONE
from tests.integration.test_systems_uci import CUSTOMERS, ORDERS, Row, members, rows
from tests.integration.uci import LINES, load_uci


def test_orders_of_an_account_that_saleor_deleted_are_a_guests(make_database: MakeDatabase) -> None:
    """A limit, and no wish: the row is gone, and nothing on the orders tells of it.

    Of an account that was switched off, as jan's is in the world, nobody comes out.
    """
    database = make_database("postgresql")
    load_saleor(database)
    assert "jan" not in people(database, "all_customers", SALEOR)
    database.execute(
        "DELETE FROM account_user WHERE id = 20",
        "UPDATE order_order SET user_id = NULL WHERE user_id = 20",
    )
    found = people(database, "all_customers", SALEOR)
    assert str(found["jan"]["customer_key"]).startswith("g:")
    assert found.keys() == EXPECTED["all_customers"] | {"jan"}


def test_a_code_for_goods_lowers_their_price_and_makes_no_sale(make_database: MakeDatabase) -> None:
    """Mo's beans cost 10 in place of 11 for one; ben's were on sale, and had a code too."""
    database = loaded("saleor", make_database)
    found = people(database, "sale_buyers", SALEOR, share=0.3, lines=1)
    assert set(found) == {"ben"}


def test_the_commands_read_saleor_and_warn_of_what_it_does_not_keep(
    desk: Desk, make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    url: URL = make_url(loaded("saleor", make_database).url)
    desk.settings["shop"] = {
        "url": url._replace(password=None).render_as_string(),
        "schema": "saleor",
        "timezone": ZONE,
        "stores": ["webshop"],
        "consent": {"email": "newsletter"},
    }
    if url.password:
        monkeypatch.setenv("SHOP_PASSWORD", url.password)
        desk.settings["shop"]["password"] = "${SHOP_PASSWORD}"
    desk.settings["segments"]["everyone"] = {"use": "all_customers"}
    desk.save()
    said = {
        each["what"]: (each["verdict"], each["said"])
        for each in desk.syncd("doctor", "--json").json["here"]["lines"]
    }
    assert said["shop system"][0] == "ok", said["shop system"]
    lacking = desk.syncd("segments", "list", "--json").json["unavailable"]
    assert lacking.keys() == {"gift_buyers", "acquisition_source", "age_group", "gender"}
    verdict, caution = said["shop people"]
    assert verdict == "warn"
    assert "Saleor keeps nothing of a deleted account" in caution
    assert "`syncd erase`" in caution
    shown = desk.syncd("segments", "preview", "everyone", "--json", clock=Hands(AS_OF))
    assert shown.code == 0, shown.said
    assert shown.json["rows"] == len(EXPECTED["all_customers"])
    assert (
        "in all, the last" in desk.syncd("segments", "preview", "everyone", clock=Hands(AS_OF)).out
    )


@pytest.mark.shared_data
@pytest.mark.skipif(not LINES.exists(), reason="../shared/data/uci_online_retail is not here")
def test_saleor_has_the_members_of_the_same_orders(make_database: MakeDatabase) -> None:
    """A tenth of the UCI gift shop's customers; what went back was charged before."""
    whole, canonical = make_database("sqlite"), make_database("sqlite")
    load_uci(whole, goods=False)
    found, orders = rows(whole, "customers", CUSTOMERS), rows(whole, "orders", ORDERS)
    create_canonical(canonical)
    canonical.load("customers", CUSTOMERS, found)
    canonical.load("orders", ORDERS, orders)
    saleor = make_database("postgresql")
    create_saleor(saleor)
    _load_users(saleor, found, orders)
    _load_orders(saleor, orders)
    for name in ("all_customers", "whales", "win_back", "q4_buyers"):
        expected = members(canonical, name, None)
        assert len(expected) > 50
        assert members(saleor, name, Source("saleor", "00")) == expected


def _load_users(database: Database, found: list[Row], orders: list[Row]) -> None:
    """Everyone registered a day before the first order, so that the account's key is theirs."""
    first: dict[object, str] = {}
    for order in orders:
        first[order[1]] = min(first.get(order[1], "9999"), str(order[3]))
    database.load(
        "account_user",
        (
            *("id", "email", "first_name", "last_name", "is_staff", "is_active", "is_confirmed"),
            *("date_joined", "language_code"),
        ),
        [
            (
                *(int(str(key)[2:]), email, "", "", False, True, True),
                *(datetime.fromisoformat(first[key]) - timedelta(days=1), "en"),
            )
            for key, email, *_ in found
            if key in first
        ],
    )


def _load_orders(database: Database, orders: list[Row]) -> None:
    database.load("channel_channel", ("name", "slug", "currency_code"), [("UK", "uk", "GBP")])
    database.load(
        "order_order",
        (
            *("id", "number", "user_id", "user_email", "channel_id", "created_at", "currency"),
            *("status", "origin", "checkout_token", "charge_status", "authorize_status"),
            *("total_gross_amount", "total_charged_amount"),
        ),
        [
            (
                *(UUID(int=number), number, int(str(key)[2:]), "", 1, at, "GBP"),
                *("fulfilled", "checkout", "", "full" if paid else "none", "none"),
                *(total, float(str(total)) - float(str(back or 0)) if paid else 0),
            )
            for number, (_, key, paid, at, total, back) in enumerate(orders, start=1)
        ],
    )
    database.load(
        "payment_transactionitem",
        ("order_id", "refunded_value", "currency"),
        [(UUID(int=n), order[5] or 0, "GBP") for n, order in enumerate(orders, start=1)],
    )
