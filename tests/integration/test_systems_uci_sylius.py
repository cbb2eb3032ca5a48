"""A tenth of the UCI gift shop's customers, as Sylius would have stored them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from syncd.segments.systems import Source
from tests.integration.databases import Database, MakeDatabase, create_canonical
from tests.integration.shops.sylius import create_sylius
from tests.integration.shops.world import spelled
from tests.integration.test_systems_uci import Row, members, rows
from tests.integration.uci import LINES, ZONE, load_uci

pytestmark = [
    pytest.mark.shared_data,
    pytest.mark.skipif(not LINES.exists(), reason="../shared/data/uci_online_retail is not here"),
]

_CUSTOMERS = ("customer_key", "email", "phone", "first_name", "last_name", "country", "deleted")
_ORDERS = ("order_key", "customer_key", "is_paid", "placed_at", "total_base", "refunded_base")


def test_sylius_has_the_members_of_the_same_orders(make_database: MakeDatabase) -> None:
    """In whole cents, and in the local time of London."""
    whole, canonical, sylius = (make_database(each) for each in ("sqlite", "sqlite", "mysql"))
    load_uci(whole, goods=False)
    people, orders = rows(whole, "customers", _CUSTOMERS), rows(whole, "orders", _ORDERS)
    assert all(_cents(order[4]) == Decimal(str(order[4])) * 100 for order in orders)
    create_canonical(canonical)
    canonical.load("customers", _CUSTOMERS, people)
    canonical.load("orders", _ORDERS, orders)
    create_sylius(sylius)
    _load(sylius, people, orders)
    for name in ("whales", "q4_buyers"):
        expected = members(canonical, name, None)
        assert len(expected) > 50
        assert members(sylius, name, Source("sylius", "00")) == expected


def _load(database: Database, people: list[Row], orders: list[Row]) -> None:
    """Everyone registered a day before the first order, so that the account's key is theirs."""
    first: dict[object, datetime] = {}
    for _, key, _, at, *_ in orders:
        moment = datetime.fromisoformat(str(at)).replace(tzinfo=UTC)
        first[key] = min(first.get(key, moment), moment)
    buyers = [
        (str(key)[2:], email, _local(first[key], 1)) for key, email, *_ in people if key in first
    ]
    database.load("sylius_channel", ("id", "code", "name", "enabled"), [(1, "UK", "UK", True)])
    database.load(
        "sylius_customer",
        ("id", "email", "email_canonical", "created_at", "subscribed_to_newsletter"),
        [(number, mail, str(mail).lower(), at, False) for number, mail, at in buyers],
    )
    database.load(
        "sylius_shop_user",
        ("id", "customer_id", "enabled", "roles", "created_at"),
        [(number, number, True, "[]", at) for number, _, at in buyers],
    )
    database.load(
        "sylius_order",
        (
            *(
                "id",
                "number",
                "channel_id",
                "customer_id",
                "state",
                "payment_state",
                "checkout_state",
            ),
            *("shipping_state", "created_by_guest", "currency_code", "locale_code", "items_total"),
            *("adjustments_total", "total", "created_at", "checkout_completed_at"),
        ),
        [
            (
                *(number, number, 1, str(key)[2:], "fulfilled", "paid", "completed", "shipped"),
                *(False, "GBP", "en_GB", _cents(total), 0, _cents(total), placed, placed),
            )
            for number, (_, key, _, at, total, _) in enumerate(orders, start=1)
            for placed in [_local(datetime.fromisoformat(str(at)).replace(tzinfo=UTC))]
        ],
    )


def _cents(amount: object) -> int:
    return round(Decimal(str(amount)) * 100)


def _local(moment: datetime, days_before: int = 0) -> str:
    """As PHP writes it."""
    return spelled((moment - timedelta(days=days_before)).astimezone(ZoneInfo(ZONE)))
