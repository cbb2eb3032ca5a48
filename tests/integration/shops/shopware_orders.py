"""Orders as Shopware 6.6 stores them, each with a draft that staff never saved."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from json import dumps

from tests.integration.databases import Database
from tests.integration.shops.shopware_keys import (
    DRAFT,
    NO_TIME,
    PLACE,
    VERSIONS,
    channel,
    key,
    place,
    price,
    state_id,
)
from tests.integration.shops.world import ACCOUNTS, ORDERS, Order, at, spelled

_A_JANSEN = ("A", "Jansen")
# Each payment of an order, oldest first: what is paid was tried in vain before and after.
_PAYMENTS = {
    "paid": ("reminded", "failed", "paid", "cancelled"),
    "refunded": ("refunded",),
    "cancelled": ("paid",),  # the order's own state is what makes it none
    "pending": ("open",),
    "failed": ("cancelled", "failed"),
}
# Of a payment that another program took nothing is known.
IMPORTED = Order("rosa@example.com", 28, at("2026-09-21 10:00:00"), state="pending", number=96)
_GIVEN_UP = Order("rosa@example.com", 28, at("2026-09-20 10:00:00"), state="cancelled", number=97)
# The last is of an account that is switched off.
MORE_ORDERS = (
    IMPORTED,
    _GIVEN_UP,
    Order("blocked@example.com", 98, at("2026-01-10 10:00:00"), number=98),
)
ALL_ORDERS = (*ORDERS, *MORE_ORDERS)


def load_orders(database: Database) -> None:
    """With who ordered, where to, payments and refunds; lines are among the goods."""
    _load_orders(database)
    _load_parties(database)
    _load_deliveries(database)
    _load_payments(database)
    _load_refunds(database)


def rate(order: Order) -> int:
    """What a euro is in the order's currency: Carla pays in dollars."""
    return 2 if order.account == 13 else 1


def net(order: Order) -> bool:
    """Whether the customer sees prices without tax, a quarter of them: Nina's group does."""
    return order.account == 24


def _load_orders(database: Database) -> None:
    """The draft of each is nine times as dear, and in the channel that counts."""
    database.load(
        "`order`",
        (
            *("id", "version_id", "state_id", "order_number", "currency_id", "currency_factor"),
            *("sales_channel_id", "billing_address_id", "billing_address_version_id", "price"),
            *("order_date_time", "created_at"),
        ),
        [
            (
                *(
                    key("order", one.number),
                    version,
                    state_id("order", _own_state(one)),
                    one.number,
                ),
                *(key("currency", "EUR" if rate(one) == 1 else "USD"), rate(one)),
                bytes.fromhex(channel(1 if version == DRAFT else one.store)),
                *(key("bill", one.number), version),
                *(_sum(one, 9 if version == DRAFT else 1), spelled(one.placed_at), NO_TIME),
            )
            for version in VERSIONS
            for one in ALL_ORDERS
        ],
    )


def _own_state(order: Order) -> str:
    return "cancelled" if order.state == "cancelled" else "open"


def _sum(order: Order, times: int) -> str:
    total = order.total * rate(order) * times
    tax = total / 5  # a quarter of what is without it
    known = {"totalPrice": float(total), "netPrice": float(total - tax)}
    return dumps({**known, "taxStatus": "net" if net(order) else "gross"})


def _load_parties(database: Database) -> None:
    """Who ordered, and where it goes; a draft goes to Somebody Else."""
    gone = {each.number for each in ACCOUNTS if each.deleted}
    database.load(
        "order_customer",
        (
            *("id", "version_id", "customer_id", "order_id", "order_version_id", "email"),
            *("first_name", "last_name", "created_at"),
        ),
        [
            (
                *(key("party", one.number), version),
                None if one.account in gone else key("customer", one.account or one.number),
                *(key("order", one.number), version, one.email, "A", "Jansen", NO_TIME),
            )
            for version in VERSIONS
            for one in ALL_ORDERS
        ],
    )
    names = ("id", "version_id", "country_id", "order_id", "order_version_id", "first_name")
    database.load(
        "order_address",
        (*names, "last_name", *PLACE),
        [
            (
                *(key(kind, one.number), version, key("country", "NL"), key("order", one.number)),
                *(version, *name, *place(one.number)),
            )
            for version in VERSIONS
            for one in ALL_ORDERS
            for kind, name in (
                ("bill", _A_JANSEN),
                ("ship", ("Somebody", "Else") if one.to_other or version == DRAFT else _A_JANSEN),
            )
        ],
    )


def _load_deliveries(database: Database) -> None:
    """Each has two: one is free by what the other takes off."""
    database.load(
        "order_delivery",
        (
            *("id", "version_id", "order_id", "order_version_id", "state_id"),
            *("shipping_order_address_id", "shipping_order_address_version_id"),
            *("shipping_costs", "created_at"),
        ),
        [
            (
                *(key("delivery", (one.number, costs)), version, key("order", one.number), version),
                *(state_id("order", "open"), key("ship", one.number), version),
                *(price(costs, costs), NO_TIME),
            )
            for version in VERSIONS
            for one in ALL_ORDERS
            for costs in (4, -4)
        ],
    )


def _load_payments(database: Database) -> None:
    """A draft's is refunded."""
    database.load(
        "order_transaction",
        (
            *("id", "version_id", "order_id", "order_version_id", "state_id", "amount"),
            "created_at",
        ),
        [
            (
                *(key("payment", (one.number, place)), version, key("order", one.number), version),
                state_id("payment", "refunded" if version == DRAFT else state),
                *(price(one.total, one.total), spelled(one.placed_at + place * timedelta(hours=1))),
            )
            for version in VERSIONS
            for one in ALL_ORDERS
            for place, state in enumerate(_payments(one))
        ],
    )


def _payments(order: Order) -> tuple[str, ...]:
    if order.state == "paid" and order.refunded:
        return ("refunded_partially",)
    return {IMPORTED: (), _GIVEN_UP: ("open",)}.get(order, _PAYMENTS[order.state])


def _load_refunds(database: Database) -> None:
    """Of orders of which a part came back: what did, and a second try that failed."""
    refunded = [each for each in ORDERS if each.state == "paid" and each.refunded]
    database.load(
        "order_transaction_capture",
        (
            *("id", "version_id", "order_transaction_id", "order_transaction_version_id"),
            *("state_id", "amount", "created_at"),
        ),
        [
            (
                *(key("capture", one.number), version, key("payment", (one.number, 0)), version),
                *(state_id("refund", "completed"), price(one.total, one.total), NO_TIME),
            )
            for version in VERSIONS
            for one in refunded
        ],
    )
    tries: tuple[tuple[str, Decimal], ...] = (("completed", Decimal(1)), ("failed", Decimal("0.1")))
    database.load(
        "order_transaction_capture_refund",
        (
            "id",
            "version_id",
            "capture_id",
            "capture_version_id",
            "state_id",
            "amount",
            "created_at",
        ),
        [
            (
                *(key("refund", (one.number, state)), version, key("capture", one.number), version),
                state_id("refund", state),
                *(price(one.refunded * share, one.refunded * share), NO_TIME),
            )
            for version in VERSIONS
            for one in refunded
            for state, share in tries
        ],
    )
