"""What Saleor stores of payments: those of apps, and beside them the older ones of plug-ins."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from tests.integration.databases import Database
from tests.integration.shops.world import ORDERS, Order

MONEY = """
CREATE TABLE payment_transactionitem (
  id serial PRIMARY KEY, order_id uuid, currency varchar(3) NOT NULL,
  charged_value numeric(20, 3) NOT NULL DEFAULT 0,
  refunded_value numeric(20, 3) NOT NULL DEFAULT 0,
  refund_pending_value numeric(20, 3) NOT NULL DEFAULT 0,
  charge_pending_value numeric(20, 3) NOT NULL DEFAULT 0,
  authorize_pending_value numeric(20, 3) NOT NULL DEFAULT 0);
CREATE TABLE payment_transactionevent (
  id serial PRIMARY KEY, transaction_id integer NOT NULL, type varchar(128) NOT NULL,
  amount_value numeric(20, 3) NOT NULL, include_in_calculations boolean NOT NULL);
CREATE TABLE payment_payment (
  id serial PRIMARY KEY, order_id uuid, is_active boolean NOT NULL,
  captured_amount numeric(20, 3) NOT NULL);
CREATE TABLE payment_transaction (
  id serial PRIMARY KEY, payment_id integer NOT NULL, kind varchar(25) NOT NULL,
  is_success boolean NOT NULL, already_processed boolean NOT NULL, amount numeric(20, 3) NOT NULL)
"""
WAIVED, CHARGED_BACK = 5, 6  # orders of which all was granted back, and taken back
COMING, RESERVED, PARTLY = 9, 10, 11  # orders paid for soon, authorized, paid in part and back
HALF, HALF_OF = 13, 5_000_000  # an order of which so much was paid, sent back and had again
_TOO_MUCH = 101  # an order that was charged more than it came to
_PENDING = next(each.number for each in ORDERS if each.state == "pending")


def charged(order: Order) -> tuple[str, str, Decimal]:
    """How far an order is charged, how far that and what is authorized cover it, and how much.

    What went back is no longer charged. A cancelled order was paid, and is not yet paid back.
    """
    if order.state in ("pending", "failed"):
        return "none", "none", Decimal(0)
    if order.number == _TOO_MUCH:
        return "overcharged", "full", order.total + 5
    left = order.total - order.refunded
    if order.state == "refunded":
        return "full", "full", left  # the whole refund was granted, so that nothing is due
    return ("partial", "partial", left) if order.refunded else ("full", "full", left)


def load_money(database: Database) -> None:
    """A third of what went back did by a plug-in, the rest by an app: a tenth is under way."""
    database.load(
        "payment_transactionitem",
        ("id", "order_id", "charged_value", "refunded_value", "refund_pending_value", "currency"),
        [
            *(
                (
                    *(each.number, UUID(int=each.number), charged(each)[2]),
                    *(each.refunded - _by_plugin(each) - pending, pending, "EUR"),
                )
                for each in ORDERS
                for pending in [each.refunded / 10]
            ),
            (CHARGED_BACK, UUID(int=CHARGED_BACK), 0, 0, 0, "EUR"),
        ],
    )
    database.load(
        "payment_transactionitem",
        ("id", "order_id", "charge_pending_value", "refunded_value", "currency"),
        [
            (COMING, UUID(int=COMING), 9_000_000, 0, "EUR"),
            (PARTLY, UUID(int=PARTLY), 0, 40, "EUR"),
        ],
    )
    database.load(
        "payment_transactionevent",
        ("transaction_id", "type", "amount_value", "include_in_calculations"),
        [
            (CHARGED_BACK, "charge_success", 9_000_000, True),
            (CHARGED_BACK, "charge_back", 9_000_000, True),
            (_PENDING, "charge_failure", 10, True),
            (_PENDING, "charge_back", 10, False),  # of what never was charged
        ],
    )
    _load_plugins(database)


def _by_plugin(order: Order) -> Decimal:
    return order.refunded / 3


def _load_plugins(database: Database) -> None:
    """With refunds that failed, that are still to be processed, and one that was taken back."""
    database.load(
        "payment_payment",
        ("id", "order_id", "is_active", "captured_amount"),
        [
            *((each.number, UUID(int=each.number), not each.refunded, 0) for each in ORDERS),
            (HALF, UUID(int=HALF), True, HALF_OF),
        ],
    )
    rows: list[tuple[object, ...]] = [
        (HALF, kind, True, True, HALF_OF) for kind in ("capture", "refund", "refund_reversed")
    ]
    for each in ORDERS:
        rows.append((each.number, "refund", False, True, 40))
        rows.append((each.number, "refund", True, False, 40))
        if each.refunded:
            rows.append((each.number, "capture", True, True, _by_plugin(each)))
            rows.append((each.number, "refund", True, True, _by_plugin(each)))
    columns = ("payment_id", "kind", "is_success", "already_processed", "amount")
    database.load("payment_transaction", columns, rows)
