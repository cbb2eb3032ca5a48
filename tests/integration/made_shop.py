"""A shop of a few hundred people who buy at random, with much that is equal, missing or odd.

Every draw comes from one seed, so that each engine holds the same shop. Amounts, moments and
numbers of orders repeat often: where equals are torn apart, engines would differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random

from syncd.segments.canonical import RELATIONS
from tests.integration.segment_engines import Loaded

ZONE = "Europe/Amsterdam"
AS_OF = datetime(2026, 11, 1, 12, tzinfo=UTC)
_PEOPLE, _PRODUCTS = 300, 24
_START = AS_OF - timedelta(days=900)
_CATEGORIES = (
    *(("Candles", "/home/candles/"), ("Home", "/home/"), ("Coffee", "/pantry/coffee/")),
    *(("Homework", "/homework/"), ("Gift wrap", "/gifts/wrap/")),
)
_COUNTRIES = ("NL", "nl", "DE", "BE", "AU", "ZA", "US", "SG", "", None)
_CODES = (None, None, None, "", "WELCOME10", "SPRING15,FRIENDS20")

Row = tuple[object, ...]


def fill(engine: Loaded) -> None:
    """Load every canonical table."""
    random = Random(20_261_101)
    people = [_key(random, number) for number in range(_PEOPLE)]
    orders = [row for key in people for row in _orders(random, key)]
    carts = [_cart(random, number, people) for number in range(220)]
    tables: dict[str, list[Row]] = {
        "customers": [_customer(random, key) for key in people],
        "orders": orders,
        "order_items": [line for order in orders for line in _lines(random, str(order[0]))],
        "products": [_product(random, number) for number in range(_PRODUCTS)],
        "product_categories": [
            (f"p:{number}", *_CATEGORIES[place])
            for number in range(_PRODUCTS)
            for place in {number % 5, number * number % 3}
        ],
        "carts": carts,
        "cart_items": [
            (cart[0], f"p:{random.randrange(_PRODUCTS)}")
            for cart in carts
            for _ in range(random.randint(1, 3))
        ],
        "consents": [row for key in people for row in _consents(random, key)],
    }
    for relation in RELATIONS:
        columns = [column.name for column in relation.columns]
        engine.load(relation.name, columns, tables[relation.name])


def _key(random: Random, number: int) -> str:
    """Keys whose order by bytes is not that of a dictionary."""
    return f"{random.choice(('c:', 'C:', 'g:é', 'g:z', 'ß'))}{number}"


def _moment(random: Random, earliest: datetime = _START) -> str:
    """Often midnight at Amsterdam, or the end of a day in UTC."""
    days = random.randrange(0, (AS_OF - earliest).days + 3, 11)
    hour = random.choice(("21:59:59", "22:00:00", "22:59:59", "23:00:00", "10:00:00"))
    return f"{earliest + timedelta(days=days):%Y-%m-%d} {hour}"


def _customer(random: Random, key: str) -> Row:
    mail = random.choice((f"{key}@example.com", f" {key}@EXAMPLE.com", "", None))
    deleted = random.choice((False, False, False, False, None, True))
    born = random.choice((None, "2008-11-01", "2008-11-02", "1990-02-28", "1961-07-15"))
    return (
        *(key, mail, random.choice((None, " ", "020 123 45 67")), "Ann", "Bee"),
        *(random.choice(_COUNTRIES), random.choice(("1012 AB", "1013AB", None))),
        *(random.choice(("Amsterdam", " amsterdam ", "Gent")), None, deleted, born),
        random.choice((None, "f", "m", "F", "x")),
        random.choice((None, "", "nl", "nl_NL", "NL-be", "fil", "de_DE")),
        random.choice((None, _moment(random, AS_OF - timedelta(days=60)))),
    )


def _orders(random: Random, key: str) -> Sequence[Row]:
    rows = []
    for number in range(random.choice((0, 0, 1, 1, 2, 3, 4, 8, 15))):
        total = random.choice(("10.00", "10.00", "20.00", "20.00", "49.95", "0.07"))
        paid = random.random() < 0.85
        rows.append(
            (
                *(f"{key}/{number}", random.choice((key, key, key, None)), _moment(random), paid),
                *(total, random.choice(("0.00", "0.00", None, "0.01", total))),
                *(
                    random.choice(("EUR", "EUR", "SEK", "eur")),
                    random.choice((None, "1", "0.0876")),
                ),
                *(random.choice(_CODES), random.random() < 0.05, random.random() < 0.05),
                random.choice(("google", "Google", "facebook", None)),
                *(random.choice(("cpc", "email", None)), random.choice(("brand", None))),
                not paid and random.random() < 0.5,
            )
        )
    return rows


def _lines(random: Random, order: str) -> Sequence[Row]:
    lines = []
    for product in random.sample(range(_PRODUCTS), random.randint(1, 4)):
        quantity = random.choice((1, 1, 1, 2, 6))
        price = random.choice(("4.99", "9.99", "20.00", "20.01", "49.95"))
        lines.append(
            (
                *(order, f"p:{product}", random.choice((f"S{product}", f"s{product}")), quantity),
                *(random.choice((0, 0, 0, None, 1)), price, random.random() < 0.3),
                random.random() < 0.02,
            )
        )
    return lines


def _product(random: Random, number: int) -> Row:
    lasts = random.choice((None, None, 30, 60))
    return f"p:{number}", f"S{number}", lasts, _moment(random)


def _cart(random: Random, number: int, people: Sequence[str]) -> Row:
    owner = random.choice(people)
    touched = datetime.fromisoformat(_moment(random, AS_OF - timedelta(days=70)))
    begun = touched - timedelta(hours=random.choice((1, 30)))
    done = random.choice((None, None, None, f"{touched}"))
    known = random.random() < 0.7
    mail = random.choice((f"{owner}@example.com", f"{owner}@EXAMPLE.com ", "x@example.com", None))
    total = random.choice(("39.99", "40.00", "49.99", "50.00", "12.00"))
    currency = random.choice(("EUR", "SEK"))
    return (
        f"k{number}",
        owner if known else None,
        mail,
        f"{begun}",
        f"{touched}",
        done,
        currency,
        total,
    )


def _consents(random: Random, key: str) -> Sequence[Row]:
    rows: list[Row] = []
    for channel in ("ads", "email", "sms"):
        for _ in range(random.choice((0, 1, 1, 2))):
            state = random.choice(("granted", "Granted", "denied", "pending"))
            who = random.choice((key, key, None))
            said = random.choice((None, _moment(random), _moment(random)))
            rows.append((who, f"{key}@Example.com", channel, state, said))
    return rows
