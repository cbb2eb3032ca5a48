"""Who bought what, said what and left what behind, whatever the shop runs on.

A shop at Amsterdam, read on 1 November 2026. Store 1 is the one whose people are wanted;
whoever is only known to store 2 must not come out. Times are UTC.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Literal

from tests.integration.shops.goods import (
    BEANS,
    BOWL,
    CANDLE,
    GIFT_CARD,
    LAMP,
    MUG,
    SOAP,
    THROW,
    Line,
    line,
)

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
        locale: In which they use the shop.
    """

    number: int
    email: str
    registered_at: datetime = _LONG_AGO
    store: int = STORE
    deleted: bool = False
    country: str = "NL"
    locale: Literal["nl_NL", "de_DE"] = "nl_NL"
    birth_date: date | None = None
    gender: Literal["f", "m"] | None = None

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
        code: A coupon's.
        gift: It has a gift message.
        to_other: It goes to Somebody Else.
        source: Of the visit that led to it: where it came from, by what, for which campaign.
    """

    email: str
    account: int | None
    placed_at: datetime
    lines: tuple[Line, ...] = (line(BEANS, 1, "10"),)
    refunded: Decimal = Decimal(0)
    state: State = "paid"
    store: int = STORE
    code: str | None = None
    gift: bool = False
    to_other: bool = False
    source: tuple[str, str, str] | None = None
    number: int = 0

    @property
    def total(self) -> Decimal:
        return sum((each.total for each in self.lines), Decimal(0))


@dataclass(frozen=True, slots=True)
class Cart:
    """A cart that was not bought."""

    number: int
    email: str | None
    account: int | None
    created_at: datetime
    updated_at: datetime
    lines: tuple[Line, ...]
    store: int = STORE

    @property
    def total(self) -> Decimal:
        return sum((each.total for each in self.lines), Decimal(0))


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
    Account(11, "Anna@Example.COM", birth_date=date(1990, 5, 1), gender="f"),
    Account(13, "carla@example.com", at("2026-02-01 12:00:00")),
    Account(14, "dirk@example.com"),
    Account(15, "eva@example.com"),
    Account(17, "gina@example.com"),
    Account(18, "hugo@example.com", store=2),
    Account(19, "ida@example.com"),
    Account(20, "jan@example.com", deleted=True),
    Account(22, "lena@example.com", country="BE", birth_date=date(1960, 2, 3), gender="f"),
    Account(23, "mo@example.com", locale="de_DE", birth_date=date(2010, 1, 1), gender="m"),
    Account(24, "nina@example.com"),
    Account(26, "piet@example.com"),
    Account(27, "quinn@example.com"),
    Account(28, "rosa@example.com"),
    Account(29, "sven@example.com"),
    Account(31, "umar@example.com"),
)
_THROWS = (line(THROW, 14, "50"),)
_ASKED = Decimal("15.625")


def _orders() -> Iterator[Order]:
    # Anna is overdue, by her own rhythm.
    anna = ("anna@example.com", 11)
    beans, candle, throw = line(BEANS, 3, "10"), line(CANDLE, 1, "20"), line(THROW, 1, "50")
    yield Order(*anna, at("2026-06-01 10:00:00"), (throw, line(BEANS, 5, "10")))
    july = (line(LAMP, 1, "60"), line(BEANS, 2, "10"), candle)
    yield Order(*anna, at("2026-07-01 10:00:00"), july)
    yield Order(*anna, at("2026-08-01 10:00:00"), (throw, beans, candle))
    sale = (line(CANDLE, 2, "16", "20"), line(BEANS, 1, "8", "10"))
    yield Order("Ben@Example.com", None, at("2025-11-11 10:00:00"), (line(THROW, 2, "40", "50"),))
    yield Order("  ben@example.com ", None, at("2026-01-10 10:00:00"), sale)
    # 00:30 on 1 October at Amsterdam; as a guest first, with an account later.
    yield Order(
        *("Carla@example.com", None, at("2025-09-30 22:30:00"), (line(THROW, 1, "59.95"),)),
        source=("google", "cpc", "autumn"),
    )
    # Two of the same line are two lines.
    mugs = (line(MUG, 2, "12.01"), line(MUG, 2, "12.01"), line(MUG, 1, "12.01"))
    yield Order("carla@example.com", 13, at("2026-03-01 10:00:00"), mugs)
    yield Order(
        *("dirk@example.com", 14, at("2025-10-15 10:00:00")),
        (replace(line(THROW, 18, "50"), back=18),),
        refunded=Decimal(900),
        state="refunded",
    )
    yield Order(
        *("eva@example.com", 15, at("2026-04-01 10:00:00")),
        (replace(line(THROW, 10, "50"), back=9),),
        refunded=Decimal(450),
    )
    yield Order("fred@example.com", None, at("2025-11-01 10:00:00"), state="cancelled")
    yield Order("gina@example.com", 17, at("2026-08-20 10:00:00"), state="pending")
    yield Order("piet@example.com", 26, at("2026-08-20 10:05:00"), state="failed")
    yield Order("hugo@example.com", 18, at("2025-11-20 10:00:00"), _THROWS, store=2)
    yield Order("ida@example.com", 19, at("2025-11-20 10:00:00"), _THROWS, store=2)
    yield Order("jan@example.com", 20, at("2025-11-20 10:00:00"), (line(THROW, 16, "50"),))
    yield Order("kees@example.com", None, at("2025-11-20 10:00:00"), _THROWS, store=2)
    winter = Line(THROW, 160, _ASKED, off=_ASKED * 32)  # a code is no sale
    yield Order("lena@example.com", 22, at("2026-02-02 10:00:00"), (winter,), code="WINTER")
    yield from _of_few_days()
    gift_card = (line(GIFT_CARD, 1, "10"), line(BEANS, 1, "10"))
    yield Order("umar@example.com", 31, at("2026-10-31 10:00:00"), gift_card)
    # A second before the fourth quarter begins at Amsterdam.
    xena = ("xena@example.com", None, at("2025-09-30 21:59:59"))
    yield Order(*xena, (candle,), to_other=True)


def _of_few_days() -> Iterator[Order]:
    """22:30 is the next day at Amsterdam in summer, so that he has one gap and she two."""
    mo, nina = ("mo@example.com", 23), ("nina@example.com", 24)
    first = Line(BEANS, 1, Decimal(11), off=Decimal(1))
    yield Order(*mo, at("2026-06-01 22:30:00"), (first,), code="TEN")
    yield Order(*mo, at("2026-06-02 10:00:00"), (line(BEANS, 1, "4"), line(SOAP, 1, "6")))
    last = (line(BEANS, 1, "4"), line(BOWL, 1, "6"))
    yield Order(*mo, at("2026-06-05 10:00:00"), last, gift=True)
    for placed in ("01-01 22:30:00", "01-02 10:00:00", "01-05 10:00:00"):
        yield Order(*nina, at(f"2026-{placed}"))


ORDERS = tuple(replace(each, number=number) for number, each in enumerate(_orders(), start=101))


def _hour(day: str) -> tuple[datetime, datetime]:
    """When a cart was begun, and last touched."""
    return at(f"{day} 09:00:00"), at(f"{day} 10:00:00")


CARTS = (
    Cart(501, "rosa@example.com", 28, *_hour("2026-10-30"), (line(CANDLE, 2, "20"),)),
    Cart(502, "sven@example.com", 29, *_hour("2026-10-01"), (line(THROW, 1, "50"),)),
    Cart(503, "Tess@Example.com", None, *_hour("2026-10-30"), (line(BEANS, 1, "10"),)),
    Cart(504, "BEN@example.com", None, *_hour("2026-10-29"), (line(MUG, 1, "12"),)),
    Cart(505, "umar@example.com", 31, *_hour("2026-10-30"), (line(THROW, 1, "50"),)),
    Cart(506, None, None, *_hour("2026-10-30"), (line(BEANS, 1, "10"),)),
    Cart(507, "hugo@example.com", 18, *_hour("2026-10-30"), (line(CANDLE, 2, "20"),), 2),
    Cart(508, "tess@example.com", None, *_hour("2026-10-20"), (line(BEANS, 1, "10"),)),
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


def spelled(moment: datetime) -> str:
    """A moment as a column without a zone takes it."""
    return f"{moment:%Y-%m-%d %H:%M:%S}"
