"""A desk whose shop has the canonical tables, on any of the databases that are read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest
from sqlalchemy import make_url

from tests.integration.commands import Desk, email, phone
from tests.integration.databases import Database, Dialect, MakeDatabase, create_canonical

CUSTOMERS = ("customer_key", "email", "phone", "country", "deleted")
ORDERS = ("order_key", "customer_key", "placed_at", "is_paid", "total_base", "refunded_base")
CONSENTS = ("customer_key", "channel", "state", "changed_at")

Row = Sequence[object]


def on(
    desk: Desk, dialect: Dialect, make: MakeDatabase, environment: pytest.MonkeyPatch
) -> Database:
    """Let a desk's shop be a new one with the canonical tables, empty."""
    database = make(dialect)
    create_canonical(database)
    address = make_url(database.url)
    url = address._replace(password=None).render_as_string()
    desk.settings["shop"] = {"url": url, "default_country": "NL", "timezone": "Europe/Amsterdam"}
    if address.password:
        environment.setenv("SHOP_PASSWORD", address.password)
        desk.settings["shop"]["password"] = "${SHOP_PASSWORD}"
    desk.save()
    return database


def key(number: int) -> str:
    return f"c:{number:05}"


def people(database: Database, numbers: Iterable[int]) -> None:
    """Customers with an e-mail and a phone each."""
    rows = [(key(n), email(n), phone(n), "NL", False) for n in numbers]
    database.load("customers", CUSTOMERS, rows)


def orders(database: Database, rows: Iterable[tuple[int, str, str]]) -> None:
    """Paid orders: whose, when (UTC), and what it came to."""
    made = [
        (f"o:{number}:{n}:{at}", key(n), f"{at}+00" if _zoned(database) else at, True, paid, "0.00")
        for number, (n, at, paid) in enumerate(rows)
    ]
    database.load("orders", ORDERS, made)


def consents(database: Database, rows: Iterable[tuple[int, str, str]]) -> None:
    """What people said long ago: who, on which channel, and what."""
    at = "2020-01-01 00:00:00"
    said = f"{at}+00" if _zoned(database) else at
    made = [(key(n), channel, state, said) for n, channel, state in rows]
    database.load("consents", CONSENTS, made)


def _zoned(database: Database) -> bool:
    return database.dialect == "postgresql"
