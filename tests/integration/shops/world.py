"""Who bought what, said what and left what behind, whatever the shop runs on.

A shop at Amsterdam, read on 1 November 2026. Store 1 is the one whose people are wanted;
whoever is only known to store 2 must not come out. Times are UTC.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

from tests.integration.databases import Database, create_canonical

ZONE = "Europe/Amsterdam"
AS_OF = datetime(2026, 11, 1, 12, tzinfo=UTC)
STORE = 1

State = Literal["paid", "cancelled", "pending", "failed", "refunded"]
Word = Literal["granted", "denied", "pending"]


def at(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


_LONG_AGO = at("2025-01-05 09:00:00")
_LATELY = at("2026-01-15 12:00:00")


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who registered.

    Attributes:
        store: Where they did.
        deleted: The account is gone; their orders are not.
    """

    number: int
    email: str
    registered_at: datetime = _LONG_AGO
    store: int = STORE
    deleted: bool = False

    @property
    def first_name(self) -> str:
        return self.email.strip().split("@")[0].title()


@dataclass(frozen=True, slots=True)
class Order:
    """A checkout.

    Attributes:
        email: As it was typed.
        account: Of whoever was signed in; None for a guest.
        refunded: What came back of it.
    """

    number: int
    email: str
    account: int | None
    placed_at: datetime
    total: Decimal = Decimal(10)
    refunded: Decimal = Decimal(0)
    state: State = "paid"
    store: int = STORE


@dataclass(frozen=True, slots=True)
class Cart:
    """A cart that was not bought."""

    number: int
    email: str | None
    account: int | None
    created_at: datetime
    updated_at: datetime
    store: int = STORE


@dataclass(frozen=True, slots=True)
class Consent:
    """What somebody said to the newsletter, latest."""

    number: int
    email: str
    account: int | None
    word: Word
    said_at: datetime = _LATELY
    store: int = STORE


ACCOUNTS = (
    Account(11, "Anna@Example.COM"),
    Account(13, "carla@example.com", at("2026-02-01 12:00:00")),
    Account(14, "dirk@example.com"),
    Account(15, "eva@example.com"),
    Account(17, "gina@example.com"),
    Account(18, "hugo@example.com", store=2),
    Account(19, "ida@example.com"),
    Account(20, "jan@example.com", deleted=True),
    Account(22, "lena@example.com"),
    Account(23, "mo@example.com"),
    Account(24, "nina@example.com"),
    Account(26, "piet@example.com"),
    Account(27, "quinn@example.com"),
    Account(28, "rosa@example.com"),
    Account(29, "sven@example.com"),
    Account(31, "umar@example.com"),
)


def _orders() -> Iterator[Order]:
    number = 100

    def order(email: str, account: int | None, placed: str, **rest: object) -> Order:
        nonlocal number
        number += 1
        return Order(number, email, account, at(placed), **rest)  # type: ignore[arg-type]  # by name

    for month in ("06", "07", "08"):  # overdue, by her own rhythm
        yield order("anna@example.com", 11, f"2026-{month}-01 10:00:00", total=Decimal(100))
    yield order("Ben@Example.com", None, "2025-11-11 10:00:00", total=Decimal(80))
    yield order("  ben@example.com ", None, "2026-01-10 10:00:00", total=Decimal(40))
    # 00:30 on 1 October at Amsterdam; as a guest first, with an account later.
    yield order("Carla@example.com", None, "2025-09-30 22:30:00", total=Decimal("59.95"))
    yield order("carla@example.com", 13, "2026-03-01 10:00:00", total=Decimal("60.05"))
    yield order(
        "dirk@example.com",
        14,
        "2025-10-15 10:00:00",
        total=Decimal(900),
        refunded=Decimal(900),
        state="refunded",
    )
    yield order(
        "eva@example.com", 15, "2026-04-01 10:00:00", total=Decimal(500), refunded=Decimal(450)
    )
    yield order("fred@example.com", None, "2025-11-01 10:00:00", state="cancelled")
    yield order("gina@example.com", 17, "2026-05-01 10:00:00", state="pending")
    yield order("gina@example.com", 17, "2026-05-01 10:05:00", state="failed")
    yield order("hugo@example.com", 18, "2025-11-20 10:00:00", total=Decimal(700), store=2)
    yield order("ida@example.com", 19, "2025-11-20 10:00:00", total=Decimal(700), store=2)
    yield order("jan@example.com", 20, "2025-11-20 10:00:00", total=Decimal(800))
    yield order("kees@example.com", None, "2025-11-20 10:00:00", total=Decimal(800), store=2)
    yield order("lena@example.com", 22, "2026-02-02 10:00:00", total=Decimal(2000))
    # 22:30 is the next day at Amsterdam in summer, so that he has one gap and she two.
    for placed in ("06-01 22:30:00", "06-02 10:00:00", "06-05 10:00:00"):
        yield order("mo@example.com", 23, f"2026-{placed}")
    for placed in ("01-01 22:30:00", "01-02 10:00:00", "01-05 10:00:00"):
        yield order("nina@example.com", 24, f"2026-{placed}")
    yield order("umar@example.com", 31, "2026-10-31 10:00:00", total=Decimal(20))
    # A second before the fourth quarter begins at Amsterdam.
    yield order("xena@example.com", None, "2025-09-30 21:59:59", total=Decimal(20))


ORDERS = tuple(_orders())
CARTS = (
    Cart(501, "rosa@example.com", 28, at("2026-10-30 09:00:00"), at("2026-10-30 10:00:00")),
    Cart(502, "sven@example.com", 29, at("2026-10-01 09:00:00"), at("2026-10-01 10:00:00")),
    Cart(503, "Tess@Example.com", None, at("2026-10-30 09:00:00"), at("2026-10-30 10:00:00")),
    Cart(504, "BEN@example.com", None, at("2026-10-29 09:00:00"), at("2026-10-29 10:00:00")),
    Cart(505, "umar@example.com", 31, at("2026-10-30 09:00:00"), at("2026-10-30 10:00:00")),
    Cart(506, None, None, at("2026-10-30 09:00:00"), at("2026-10-30 10:00:00")),
    Cart(507, "hugo@example.com", 18, at("2026-10-30 09:00:00"), at("2026-10-30 10:00:00"), 2),
)
CONSENTS = (
    Consent(601, "anna@example.com", 11, "granted"),
    Consent(602, "Ben@example.com", None, "granted"),
    Consent(603, "olga@example.com", None, "granted"),
    Consent(604, "piet@example.com", 26, "pending"),
    Consent(605, "quinn@example.com", 27, "denied"),
    Consent(606, "hugo@example.com", 18, "granted", store=2),
)

# What every shop must give, worked out by hand.
EXPECTED = {
    "all_customers": {"anna", "ben", "carla", "eva", "lena", "mo", "nina", "umar", "xena"},
    "newsletter_subscribers": {"anna", "ben", "olga"},
    "whales": {"lena", "anna"},
    "win_back": {"anna", "nina"},
    "q4_buyers": {"ben", "carla", "umar"},
    "cart_abandoners": {"rosa", "tess", "ben"},
}
VALUES = {"lena": 2000.0, "anna": 300.0}


def load_canonical(database: Database) -> None:
    """The world as a shop in the canonical shape has it; another store is not in it."""
    create_canonical(database)
    mails = {each.email.strip().lower() for each in ORDERS if each.store == STORE}
    mails |= {each.email.lower() for each in CONSENTS if each.store == STORE}
    mails |= {each.email.lower() for each in CARTS if each.email and each.store == STORE}
    mails |= {each.email.lower() for each in ACCOUNTS if each.store == STORE}
    gone = {each.email for each in ACCOUNTS if each.deleted}
    database.load(
        "customers",
        ("customer_key", "email", "deleted"),
        [(mail, mail, mail in gone) for mail in sorted(mails)],
    )
    database.load(
        "orders",
        ("order_key", "customer_key", "is_paid", "placed_at", "total_base", "refunded_base"),
        [
            (
                *(each.number, each.email.strip().lower(), each.state in ("paid", "refunded")),
                *(spelled(each.placed_at), str(each.total), str(each.refunded)),
            )
            for each in ORDERS
            if each.store == STORE
        ],
    )
    database.load(
        "carts",
        ("cart_key", "customer_key", "email", "created_at", "updated_at"),
        [
            (each.number, None, each.email, spelled(each.created_at), spelled(each.updated_at))
            for each in CARTS
            if each.store == STORE
        ],
    )
    database.load(
        "consents",
        ("email", "channel", "state", "changed_at"),
        [
            (each.email, "email", each.word, spelled(each.said_at))
            for each in CONSENTS
            if each.store == STORE
        ],
    )


def spelled(moment: datetime) -> str:
    """A moment as a column without a zone takes it."""
    return f"{moment:%Y-%m-%d %H:%M:%S}"
