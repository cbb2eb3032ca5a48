"""What each shipped segment takes in and leaves out, on three engines.

A handful of customers at the edges of every rule, in a shop at Amsterdam on 1 November
2026, a week after its clocks went back.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from syncd.segments import catalogue_query, own_query, preview
from syncd.shop import DatabaseShop, open_shop
from tests.integration.databases import DIALECTS, Database, MakeDatabase, create_canonical

if TYPE_CHECKING:
    from pathlib import Path

ZONE = "Europe/Amsterdam"
AS_OF = datetime(2026, 11, 1, 12, tzinfo=UTC)
TABLES = ("customers", "orders", "carts", "consents")
_MADE: dict[str, Database] = {}


@pytest.fixture(params=DIALECTS)
def database(request: pytest.FixtureRequest, make_database: MakeDatabase) -> Database:
    """The canonical tables, emptied for each test."""
    if request.param not in _MADE:
        _MADE[request.param] = make_database(request.param)
        create_canonical(_MADE[request.param])
    database = _MADE[request.param]
    database.execute(*(f"DELETE FROM {table}" for table in TABLES))
    return database


def people(database: Database, *keys: str, deleted: object = False) -> None:
    """Customers whose e-mail is their key, in capitals and between blanks."""
    database.load(
        "customers",
        ("customer_key", "email", "phone", "deleted"),
        [(key, f" {key.upper()}@Example.com ", None, deleted) for key in keys],
    )


def orders(database: Database, *rows: tuple[object, ...]) -> None:
    """(customer, moment) or (customer, moment, total) or (…, refunded) or (…, paid)."""
    defaults = (None, None, "10.00", "0.00", True)
    full = [(*row, *defaults[len(row) :]) for row in rows]
    database.load(
        "orders",
        ("order_key", "customer_key", "placed_at", "total_base", "refunded_base", "is_paid"),
        [(f"{row[0]}/{number}", *row) for number, row in enumerate(full)],
    )


def carts(database: Database, *rows: tuple[object, ...]) -> None:
    """(customer, e-mail, created, updated, completed)."""
    database.load(
        "carts",
        ("cart_key", "customer_key", "email", "created_at", "updated_at", "completed_at"),
        [(f"k{number}", *row) for number, row in enumerate(rows)],
    )


def consents(database: Database, *rows: tuple[object, ...]) -> None:
    """(customer, e-mail, channel, state, moment)."""
    names = ("customer_key", "email", "channel", "state", "changed_at")
    database.load("consents", names, rows)


def rows(database: Database, name: str, **parameters: object) -> dict[str, dict[str, object]]:
    """A segment's rows by key."""
    shop = open_shop(database.url, None, timezone=ZONE)
    query = catalogue_query(
        name, parameters=parameters, as_of=AS_OF, timezone=ZONE, dialect=shop.dialect
    )
    with shop.read(query) as reading:
        found = {row["customer_key"]: row for batch in reading for row in batch.to_pylist()}
        assert reading.seal() == len(found)
    return found


def members(database: Database, name: str, **parameters: object) -> set[str]:
    return set(rows(database, name, **parameters))


def test_a_buyer_has_paid_and_was_not_refunded_whole(database: Database) -> None:
    people(database, "paid", "partly", "unpaid", "refunded", "later", "now", "none")
    people(database, "erased", deleted=True)
    people(database, "unsaid", deleted=None)
    day = "2026-05-01 10:00:00"
    orders(
        database,
        ("paid", day),
        ("partly", day, "10.00", "9.99"),
        ("unpaid", day, "10.00", "0.00", False),
        ("refunded", day, "10.00", "10.00"),
        ("later", "2026-11-01 12:00:01"),
        ("now", "2026-11-01 12:00:00"),
        ("erased", day),
        ("unsaid", day, "10.00", None),
        ("nobody we know", day),
    )
    assert members(database, "all_customers") == {"paid", "partly", "unsaid"}


def test_since_counts_whole_days_of_the_shop(database: Database) -> None:
    """Ten days before is 22 October; its midnight at Amsterdam is 22:00 UTC the day before."""
    people(database, "in", "out")
    orders(database, ("in", "2026-10-21 22:00:00"), ("out", "2026-10-21 21:59:59"))
    assert members(database, "all_customers", since=10) == {"in"}


def test_equal_whales_are_told_apart_by_the_bytes_of_their_keys(database: Database) -> None:
    """Capitals come before small letters, as in no dictionary."""
    people(database, "b", "a", "B", "é", "z")
    orders(database, *((key, "2026-05-01 10:00:00", "0.10") for key in ("b", "a", "B", "é", "z")))
    assert members(database, "whales", share=0.6) == {"B", "a", "b"}
    assert members(database, "whales", share=0.61) == {"B", "a", "b", "z"}


def test_revenue_is_summed_exactly(database: Database) -> None:
    """Ten times 0.07 is 0.70, also where money is kept as a binary fraction: a tie."""
    people(database, "ten times", "once")
    orders(database, *(("ten times", f"2026-05-{day:02} 10:00:00", "0.07") for day in range(1, 11)))
    orders(database, ("once", "2026-05-01 10:00:00", "0.70"))
    found = rows(database, "whales", share=0.5)
    assert {key: row["value"] for key, row in found.items()} == {"once": 0.7}
    assert rows(database, "whales", share=1.0)["ten times"]["value"] == 0.7


def test_win_back_compares_with_the_own_rhythm(database: Database) -> None:
    """Three days of orders make two gaps; no gap under a week counts for less than one."""
    people(database, "overdue", "on time", "two orders", "same day", "weekly", "fresh", "lost")
    orders(
        database,
        *(("overdue", f"2026-{month}-01 10:00:00") for month in ("06", "07", "08")),  # 92 > 46
        *(("on time", f"2026-{month}-01 10:00:00") for month in ("02", "05", "08")),  # 92 < 136
        *(("two orders", f"2026-0{month}-01 10:00:00") for month in (1, 2)),
        *(("same day", f"2026-01-0{day} 1{day}:00:00") for day in (1, 1, 2)),
        *(("weekly", f"2026-10-{day} 10:00:00") for day in (19, 20, 21)),  # 11 > 10.5
        *(("fresh", f"2026-10-{day} 10:00:00") for day in (20, 21, 22)),  # 10 < 10.5
        *(("lost", f"2024-10-{day} 10:00:00") for day in (29, 30, 31)),  # 731 days
    )
    assert members(database, "win_back") == {"overdue", "weekly"}
    assert members(database, "win_back", cap=731) == {"overdue", "weekly", "lost"}
    assert members(database, "win_back", f=1.0) == {"overdue", "on time", "weekly", "fresh"}


def test_a_day_of_an_order_is_a_day_of_the_shop(database: Database) -> None:
    """23:30 UTC is the next day at Amsterdam; 22:30 is so only in summer."""
    people(database, "summer", "winter")
    orders(
        database,
        # The first two are one day there, so there is only one gap.
        *(("summer", f"2026-06-{at}") for at in ("01 22:30:00", "02 10:00:00", "05 10:00:00")),
        *(("winter", f"2026-01-{at}") for at in ("01 22:30:00", "02 10:00:00", "05 10:00:00")),
    )
    assert members(database, "win_back") == {"winter"}


def test_the_fourth_quarter_is_the_shops(database: Database) -> None:
    people(database, "first", "before", "last", "after", "three years")
    orders(
        database,
        ("first", "2025-09-30 22:00:00"),
        ("before", "2025-09-30 21:59:59"),
        ("last", "2025-12-31 22:59:59"),
        ("after", "2025-12-31 23:00:00"),
        ("three years", "2024-11-11 11:00:00"),
    )
    assert members(database, "q4_buyers") == {"first", "last"}
    assert members(database, "q4_buyers", years=3) == {"first", "last", "three years"}


def test_a_newsletter_subscriber_has_said_yes_last(database: Database) -> None:
    people(database, "yes", "no", "pending", "again", "tie", "undated", "future", "sms", "guest")
    people(database, "erased", deleted=True)
    early, late = "2026-01-01 00:00:00", "2026-02-01 00:00:00"
    consents(
        database,
        ("yes", None, "email", "granted", early),
        ("no", None, "email", "granted", early),
        ("no", None, "email", "denied", late),
        ("pending", None, "email", "pending", early),
        ("again", None, "email", "denied", early),
        ("again", None, "email", "Granted", late),
        ("tie", None, "email", "granted", early),
        ("tie", None, "email", "denied", early),
        ("undated", None, "email", "denied", None),
        ("undated", None, "email", "granted", early),
        ("future", None, "email", "granted", "2026-11-01 12:00:00"),
        ("sms", None, "sms", "granted", early),
        (None, "guest@EXAMPLE.com", "email", "granted", early),
        (None, "stranger@example.com", "email", "granted", early),
        ("erased", None, "email", "granted", early),
    )
    expected = {"yes", "again", "undated", "guest"}
    assert members(database, "newsletter_subscribers") == expected
    orders(database, ("yes", early))
    assert members(database, "newsletter_subscribers", only_prospects=1) == expected - {"yes"}


def test_ad_consent_is_the_latest_word_on_ads(database: Database) -> None:
    """Not the word on the newsletter; without any it is unknown."""
    people(database, "granted", "denied", "unknown", "pending", "guest")
    orders(
        database,
        *(
            (key, "2026-05-01 10:00:00")
            for key in ("granted", "denied", "unknown", "pending", "guest")
        ),
    )
    day = "2026-01-01 00:00:00"
    consents(
        database,
        ("granted", None, "ads", "granted", day),
        ("denied", None, "ads", "denied", None),
        ("unknown", None, "email", "granted", day),
        ("pending", None, "ads", "pending", day),
        (None, "guest@example.com", "ads", "denied", day),
    )
    found = {key: row["ad_consent"] for key, row in rows(database, "all_customers").items()}
    assert found == {
        **dict.fromkeys(("unknown", "pending"), "unknown"),
        **dict.fromkeys(("denied", "guest"), "denied"),
        "granted": "granted",
    }


def test_a_cart_is_abandoned_for_an_hour_to_two_weeks(database: Database) -> None:
    names = ("left", "fresh", "stale", "done", "bought", "bought before", "two", "undone")
    people(database, *names)
    made, touched = "2026-10-30 09:00:00", "2026-10-30 10:00:00"
    carts(
        database,
        ("left", None, made, "2026-11-01 11:00:00", None),
        ("fresh", None, made, "2026-11-01 11:00:01", None),
        ("stale", None, made, "2026-10-18 12:00:00", None),
        ("done", None, made, touched, "2026-10-30 11:00:00"),
        ("bought", None, made, touched, None),
        ("bought before", None, made, touched, None),
        ("two", None, made, touched, None),
        ("two", None, made, touched, None),
        ("undone", None, made, touched, "2026-11-01 12:00:00"),
    )
    orders(database, ("bought", made), ("bought before", "2026-10-30 08:59:59"))
    assert members(database, "cart_abandoners") == {"left", "bought before", "two", "undone"}


def test_a_guests_cart_belongs_to_whom_its_email_belongs(database: Database) -> None:
    """A stranger's cannot be keyed; someone without e-mail and phone cannot be matched."""
    people(database, "guest")
    database.load("customers", ("customer_key", "email", "deleted"), [("nameless", " ", False)])
    made, touched = "2026-10-30 09:00:00", "2026-10-30 10:00:00"
    carts(
        database,
        (None, "GUEST@example.com", made, touched, None),
        (None, "stranger@example.com", made, touched, None),
        (None, "", made, touched, None),
        ("nameless", None, made, touched, None),
    )
    assert members(database, "cart_abandoners") == {"guest"}


def test_an_accent_makes_another_address(database: Database) -> None:
    """MariaDB's usual collations take é for e, and would match a stranger."""
    people(database, "jose")
    made, touched = "2026-10-30 09:00:00", "2026-10-30 10:00:00"
    carts(database, (None, "josé@example.com", made, touched, None))
    assert members(database, "cart_abandoners") == set()


def test_a_preview_counts_who_can_be_matched(database: Database, tmp_path: Path) -> None:
    names = ("customer_key", "email", "phone", "first_name", "last_name", "postcode", "country")
    database.load(
        "customers",
        names,
        [
            ("all", "a@example.com", "020", "A", "B", "1000 AA", "NL"),
            ("mail", "b@example.com", " ", "A", "B", None, "NL"),
            ("none", None, "", None, None, None, None),
        ],
    )
    path = tmp_path / "own.sql"
    path.write_text(f"SELECT {', '.join(names)} FROM customers;\n", "utf-8")
    shop: DatabaseShop = open_shop(database.url, None, timezone=ZONE)
    counts = preview(shop, own_query("own", path))
    assert (counts.rows, counts.with_email, counts.with_phone, counts.with_address) == (3, 2, 1, 1)
    assert counts.consent == {"granted": 0, "denied": 0, "unknown": 3}
