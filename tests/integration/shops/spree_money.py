"""What Spree stores of orders and carts, of their payments, and of what came back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

from tests.integration.databases import Database
from tests.integration.shops.goods import THROW, Line, line
from tests.integration.shops.world import CARTS, ORDERS, Order, spelled

MONEY = """
CREATE TABLE spree_orders (
  id bigint PRIMARY KEY, number varchar(32) UNIQUE, state varchar, payment_state varchar,
  user_id bigint, email varchar, store_id bigint, currency varchar,
  item_total numeric(10,2) NOT NULL DEFAULT 0, total numeric(10,2) NOT NULL DEFAULT 0,
  shipment_total numeric(10,2) NOT NULL DEFAULT 0, item_count integer DEFAULT 0,
  bill_address_id bigint, ship_address_id bigint, completed_at timestamp, canceled_at timestamp,
  public_metadata jsonb, private_metadata jsonb, created_at timestamp(6) NOT NULL,
  updated_at timestamp(6) NOT NULL);
CREATE TABLE spree_payments (
  id bigserial PRIMARY KEY, order_id bigint, amount numeric(10,2) NOT NULL DEFAULT 0,
  state varchar, source_type varchar, updated_at timestamp(6) NOT NULL);
CREATE TABLE spree_refunds (
  id bigserial PRIMARY KEY, payment_id bigint, amount numeric(10,2) NOT NULL DEFAULT 0,
  reimbursement_id bigint);
CREATE TABLE spree_reimbursements (
  id bigint PRIMARY KEY, reimbursement_status varchar, order_id bigint, total numeric(10,2));
CREATE TABLE spree_reimbursement_credits (
  id bigserial PRIMARY KEY, reimbursement_id bigint, amount numeric(10,2) NOT NULL DEFAULT 0,
  creditable_type varchar)
"""
STAFF = 90  # the number of an administrator
DIRK, EVA, LENA = 14, 15, 22
_OWN = (line(THROW, 900, "50"),)
SOLD = (
    *ORDERS,
    replace(ORDERS[0], number=1, email="staff@example.com", account=STAFF, lines=_OWN),
)
_STATES = {
    "paid": ("complete", "paid"),
    "refunded": ("complete", "balance_due"),
    "cancelled": ("canceled", "credit_owed"),
    "pending": ("complete", "balance_due"),
    "failed": ("payment", None),
}
_REMOVED = 100  # what a line cost that was taken out of Lena's order
_BILLED, _SHIPPED = 5_000, 10_000  # before an order's number, that of its addresses


def _order_of(account: int) -> Order:
    return next(each for each in ORDERS if each.account == account)


def load_money(database: Database) -> None:
    """Of both stores; Solidus stores it alike."""
    _load_orders(database)
    _load_payments(database)
    _load_reimbursements(database)


def addresses() -> Iterator[tuple[int, str, str]]:
    """Number and names of the two addresses of each order."""
    for each in SOLD:
        yield _BILLED + each.number, "A", "Jansen"
        yield _SHIPPED + each.number, *(("Somebody", "Else") if each.to_other else ("A", "Jansen"))


def asked(line: Line) -> Decimal:
    """The price of one, which is stored in whole cents."""
    return line.price.quantize(Decimal("0.01"), ROUND_HALF_UP)


def taken_off(line: Line) -> Decimal:
    """What a code took off the whole line, to the same total."""
    return asked(line) * line.qty - line.total


def _load_orders(database: Database) -> None:
    """A checkout whose payment failed was never completed: it is a cart still."""
    names = ("id", "number", "state", "payment_state", "user_id", "email", "store_id", "currency")
    totals = ("item_total", "total", "shipment_total", "item_count")
    moments = ("completed_at", "canceled_at", "created_at", "updated_at")
    database.load(
        "spree_orders",
        (*names, *totals, "bill_address_id", "ship_address_id", *moments),
        [*(_order(each) for each in SOLD), *_carts()],
    )


def _order(each: Order) -> tuple[object, ...]:
    """Carla's are delivered for nothing: that costs 5, which a promotion takes off."""
    at = spelled(each.placed_at)
    state, payment_state = _STATES[each.state]
    if each.account == EVA:
        payment_state = "balance_due"  # what is paid back beside a return is owed again
    return (
        *(each.number, f"R{each.number}", state, payment_state, each.account, each.email),
        *(each.store, "EUR", sum(asked(one) * one.qty for one in each.lines), each.total),
        *(5 if each.account == 13 else 0, sum(one.qty for one in each.lines)),
        *(_BILLED + each.number, _SHIPPED + each.number),
        *(None if each.state == "failed" else at, at if each.state == "cancelled" else None),
        *(at, at),
    )


def _carts() -> Iterator[tuple[object, ...]]:
    """And one of Rosa's in which nothing is any more."""
    for each in CARTS:
        yield (
            *(each.number, f"R{each.number}", "cart", None, each.account, each.email, each.store),
            *("EUR", each.total, each.total, 0, sum(one.qty for one in each.lines), None, None),
            *(None, None, spelled(each.created_at), spelled(each.updated_at)),
        )
    empty = next(each for each in CARTS if each.account == 29)
    yield (
        *(590, "R590", "cart", None, empty.account, empty.email, 1, "EUR", 0, 0, 0, 0, None, None),
        *(None, None, "2026-10-30", "2026-10-30"),
    )


def _load_payments(database: Database) -> None:
    """What was authorised alone, voided or failed brought nothing in."""
    database.load(
        "spree_payments",
        ("id", "order_id", "amount", "state", "source_type", "updated_at"),
        [row for each in SOLD for row in _payments(each)],
    )
    # Of Dirk's a part was paid back as old versions did, below nothing.
    dirk, eva, lena = (_order_of(each) for each in (DIRK, EVA, LENA))
    database.load(
        "spree_payments",
        ("id", "order_id", "amount", "state", "source_type", "updated_at"),
        [(9_000, dirk.number, -400, "completed", "Spree::Payment", spelled(dirk.placed_at))],
    )
    database.load(
        "spree_refunds",
        ("payment_id", "amount", "reimbursement_id"),
        [
            *((dirk.number, 300, None), (dirk.number, 200, None), (eva.number, 350, None)),
            (lena.number, _REMOVED, None),
        ],
    )


def _payments(each: Order) -> Iterator[tuple[object, ...]]:
    """None of Xena's, whose order was brought in as paid; Lena paid for more than she kept."""
    at, card = spelled(each.placed_at), "Spree::CreditCard"
    state = {"pending": "pending", "failed": "failed"}.get(each.state, "completed")
    if not each.to_other:
        amount = each.total + (_REMOVED if each.account == LENA else 0)
        yield each.number, each.number, amount, state, card, at
    for number, other in enumerate(("void", "invalid"), start=1):
        yield each.number + 1_000 * number, each.number, 9_999, other, card, at


def _load_reimbursements(database: Database) -> None:
    """Eva's became store credit, less a fee that she then got back; one of Anna's is pending."""
    anna, eva = (_order_of(each) for each in (11, EVA))
    database.load(
        "spree_reimbursements",
        ("id", "reimbursement_status", "order_id", "total"),
        [(1, "reimbursed", eva.number, 100), (2, "pending", anna.number, 50)],
    )
    credit = [(1, 100, "Spree::StoreCredit")]
    names = ("reimbursement_id", "amount", "creditable_type")
    database.load("spree_reimbursement_credits", names, credit)
