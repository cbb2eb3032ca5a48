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
_TOO_MUCH = 101  # an order that was charged more than it came to


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
    """Odd orders by an app, even ones by a plug-in."""
    database.load(
        "payment_transactionitem",
        ("id", "order_id", "charged_value", "refunded_value", "refund_pending_value", "currency"),
        [
            *(
                (
                    *(each.number, UUID(int=each.number), charged(each)[2]),
                    *(each.refunded - _pending(each), _pending(each), "EUR"),
                )
                for each in ORDERS
                if each.number % 2
            ),
            (CHARGED_BACK, UUID(int=CHARGED_BACK), 0, 0, 0, "EUR"),
        ],
    )
    database.load(
        "payment_transactionevent",
        ("transaction_id", "type", "amount_value", "include_in_calculations"),
        [
            (CHARGED_BACK, "charge_back", 9_000_000, True),
            (CHARGED_BACK, "charge_success", 9_000_000, True),
            (_TOO_MUCH, "charge_back", 90, False),  # reported again, and passed over
        ],
    )
    _load_plugins(database)


def _pending(order: Order) -> Decimal:
    """A tenth of a refund is still under way."""
    return order.refunded / 10


def _load_plugins(database: Database) -> None:
    """With refunds that failed, that were still to be processed, and that were taken back."""
    even = [each for each in ORDERS if not each.number % 2]
    database.load(
        "payment_payment",
        ("id", "order_id", "is_active", "captured_amount"),
        [(each.number, UUID(int=each.number), True, charged(each)[2]) for each in even],
    )
    database.load(
        "payment_transaction",
        ("payment_id", "kind", "is_success", "already_processed", "amount"),
        [
            row
            for each in even
            for row in (
                (each.number, "capture", True, True, each.total),
                (each.number, "refund", True, True, each.refunded + 1),
                (each.number, "refund_reversed", True, True, 1),
                (each.number, "refund", False, False, 40),
                (each.number, "refund", True, False, 40),
            )
        ],
    )
