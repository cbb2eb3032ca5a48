"""Loads the UCI gift shop's orders into the canonical tables of a test database.

Orders, their lines and amounts are real. A line is on sale if it cost less than nine tenths
of what its product mostly cost in that quarter; a product was launched when it was first
sold; what was ever called Christmas is of that category. E-mails, phones, names, consents
and carts are made from the SHA-256 of the customer's number, so that two loads are alike.
The files stand in `../shared/data` and nothing derived from them is kept. The source's
times are naive local time of the UK: they are taken as Europe/London and stored in UTC, so
that a segment which reads days in the shop's zone sees the dates of the source again.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from tests.integration.databases import Database, create_canonical

LINES = Path(__file__).resolve().parents[2].parent / "shared/data/uci_online_retail/lines.parquet"
ZONE = "Europe/London"
AS_OF = datetime(2011, 12, 10, tzinfo=ZoneInfo(ZONE))

# Which lines count, and what an order is: facts about segments, section 8.
_LINES = """
CREATE TEMP TABLE lines AS SELECT * FROM read_parquet(?)
WHERE customer_id IS NOT NULL AND NOT is_cancellation AND quantity > 0 AND unit_price > 0
  AND regexp_matches(stock_code, '^[0-9]{5}')
"""
_ORDERS = """
SELECT invoice_no, any_value(customer_id), min(invoice_ts),
       sum(quantity * CAST(unit_price AS DECIMAL(12, 4)))
FROM lines GROUP BY invoice_no ORDER BY invoice_no
"""
# Of prices that a product had equally often in a quarter the higher one is its own.
_ITEMS = """
WITH priced AS (
  SELECT stock_code, date_trunc('quarter', invoice_ts) AS quarter, unit_price
  FROM lines GROUP BY stock_code, quarter, unit_price
  QUALIFY row_number() OVER (
    PARTITION BY stock_code, quarter ORDER BY count(*) DESC, unit_price DESC) = 1
)
SELECT invoice_no, lines.stock_code, lines.stock_code, quantity,
       CAST(CAST(lines.unit_price AS DECIMAL(12, 2)) AS VARCHAR),
       lines.unit_price < 0.9 * priced.unit_price
FROM lines JOIN priced ON priced.stock_code = lines.stock_code
  AND priced.quarter = date_trunc('quarter', invoice_ts)
"""
_PRODUCTS = """
SELECT stock_code, min(invoice_ts), bool_or(contains(lower(description), 'christmas'))
FROM lines GROUP BY stock_code ORDER BY stock_code
"""
_CUSTOMERS = """
SELECT customer_id, arg_max(country, invoice_ts), min(invoice_ts), max(invoice_ts)
FROM read_parquet(?) WHERE customer_id IS NOT NULL GROUP BY customer_id ORDER BY customer_id
"""
_COUNTRIES = dict(
    zip(
        (
            *("United Kingdom", "EIRE", "Germany", "France", "Netherlands", "Spain", "Belgium"),
            *("Switzerland", "Portugal", "Australia", "Norway", "Italy", "Sweden", "Austria"),
            *("Channel Islands", "Finland", "Denmark", "Poland", "Japan", "Cyprus", "Greece"),
            *("USA", "RSA", "Canada", "Singapore", "Iceland", "Israel", "Malta"),
            *("United Arab Emirates", "Bahrain", "Korea", "Brazil", "Saudi Arabia", "Thailand"),
            *("Lebanon", "Czech Republic", "Nigeria", "Lithuania"),
        ),
        (
            *("GB", "IE", "DE", "FR", "NL", "ES", "BE", "CH", "PT", "AU", "NO", "IT", "SE", "AT"),
            *("JE", "FI", "DK", "PL", "JP", "CY", "GR", "US", "ZA", "CA", "SG", "IS", "IL", "MT"),
            *("AE", "BH", "KR", "BR", "SA", "TH", "LB", "CZ", "NG", "LT"),
        ),
        strict=True,
    )
)
_FIRST = (
    *("Amélie", "Søren", "Zoë", "Łukasz", "Björn", "Chloë", "Özge", "Íñigo", "Anaïs", "Jürgen"),
    *("Mary", "John", "Fatima", "Wei", "Olga", "Pedro", "Aoife", "Noah", "Emma", "Kwame"),
)
_LAST = (
    *("O'Brien", "Müller", "García", "Nowak", "Åkesson", "Dvořák", "Lefèvre", "Öztürk", "Sørensen"),
    *("Smith", "Jones", "Patel", "de Vries", "van den Berg", "Rossi", "Kim", "Silva", "Brown"),
)
_DIRT = (str.upper, lambda mail: f"  {mail} ", lambda mail: mail.replace("@", "+shop@"))


@dataclass(frozen=True, slots=True)
class Person:
    """A customer of the source with what was made up for them."""

    key: str
    seed: bytes
    email: str
    phone: str | None
    first: str
    last: str
    country: str | None
    first_at: datetime
    last_at: datetime


def load_uci(database: Database, *, goods: bool = True) -> None:
    """Make the canonical tables and fill them.

    Args:
        goods: With what was sold: 800,000 lines, most of the time that all of it takes.
    """
    create_canonical(database)
    with duckdb.connect() as source:
        source.execute(_LINES, [str(LINES)])
        orders = source.execute(_ORDERS).fetchall()
        people = [_person(*row) for row in source.execute(_CUSTOMERS, [str(LINES)]).fetchall()]
        if goods:
            _load_goods(database, source)
    database.load(
        "orders",
        ("order_key", "customer_key", "is_paid", "placed_at", "total_base", "refunded_base"),
        [
            (invoice, f"c:{customer}", True, _utc(at), f"{value:.2f}", "0")
            for invoice, customer, at, value in orders
        ],
    )
    _load_people(database, people)


def _load_goods(database: Database, source: duckdb.DuckDBPyConnection) -> None:
    products = source.execute(_PRODUCTS).fetchall()
    database.load(
        "products",
        ("product_key", "sku", "launched_at"),
        [(code, code, _utc(at)) for code, at, _ in products],
    )
    database.load(
        "product_categories",
        ("product_key", "category_name", "path"),
        [(code, "Christmas", "/seasons/christmas/") for code, _, is_one in products if is_one],
    )
    names = ("order_key", "product_key", "sku", "qty", "unit_paid", "on_sale")
    database.load("order_items", names, source.execute(_ITEMS).fetchall())


def _person(number: int, country: str, first_at: datetime, last_at: datetime) -> Person:
    seed = sha256(f"uci_online_retail:{number}".encode()).digest()
    first, last = _FIRST[seed[0] % len(_FIRST)], _LAST[seed[1] % len(_LAST)]
    domain = ("example.com", "example.org", "example.net")[seed[2] % 3]
    email = f"{_plain(first)}.{_plain(last)}.{seed.hex()[:8]}@{domain}"
    if seed[3] < 8:  # 3 %
        email = _DIRT[seed[4] % len(_DIRT)](email) if seed[3] else ""
    # Ofcom keeps this range for drama: nobody holds these numbers.
    phone = None if seed[5] < 90 else f"07700 900 {(seed[6] * 256 + seed[7]) % 1000:03d}"
    return Person(
        f"c:{number}",
        seed,
        email,
        phone,
        first,
        last,
        _COUNTRIES.get(country),
        first_at,
        last_at,
    )


def _plain(name: str) -> str:
    folded = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return "".join(letter for letter in folded.lower() if letter.isalpha()) or "x"


def _load_people(database: Database, people: list[Person]) -> None:
    database.load(
        "customers",
        (
            *("customer_key", "email", "phone", "first_name", "last_name", "country"),
            *("postcode", "city", "region", "deleted"),
        ),
        [
            (
                *(each.key, each.email, each.phone, each.first, each.last, each.country),
                *(f"AB{each.seed[8] % 90 + 10} {each.seed[9] % 10}XY", "Town", None, False),
            )
            for each in people
        ],
    )
    database.load(
        "consents",
        ("customer_key", "email", "channel", "state", "changed_at"),
        [row for each in people for row in _consents(each)],
    )
    database.load(
        "carts",
        ("cart_key", "customer_key", "email", "created_at", "updated_at", "completed_at"),
        [_cart(each) for each in people if each.seed[10] < 40],
    )


def _consents(person: Person) -> list[tuple[str | None, ...]]:
    """Words on two channels; a few flip twice, a few are known by e-mail alone."""
    span = person.last_at - person.first_at
    rows: list[tuple[str | None, ...]] = []
    for place, channel in enumerate(("ads", "email"), start=11):
        lot = person.seed[place]
        states = ["granted" if lot < 159 else "denied" if lot < 205 else "pending"]
        if lot >= 240:
            continue
        if person.seed[13] < 5:
            states = [states[0], "denied", "granted"]
        for number, state in enumerate(states, start=1):
            at = person.first_at + span * number / (len(states) + 1)
            key = None if person.seed[14] < 13 and person.email else person.key
            rows.append((key, person.email, channel, state, _utc(at)))
    return rows


def _cart(person: Person) -> tuple[str | None, ...]:
    touched = AS_OF - timedelta(minutes=(person.seed[15] * 256 + person.seed[16]) % 30_000)
    made = touched - timedelta(minutes=person.seed[17])
    done = _utc(touched) if person.seed[18] < 77 else None
    key = None if person.seed[19] < 26 and person.email else person.key
    return (f"k:{person.key}", key, person.email, _utc(made), _utc(touched), done)


def _utc(moment: datetime) -> str:
    """A moment as the canonical tables take it; naive ones are local to the shop."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(ZONE))
    return f"{aware.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
