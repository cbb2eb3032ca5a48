"""One segment, sent over both of Google's APIs, puts the same identifiers into both lists.

Compared is what the sandbox holds of each list, after the real SDKs and real gRPC: e-mails and
phones by their digests, which both APIs get in lowercase hex (the Data Manager API is told so,
`encoding: HEX`; the other one knows nothing else), addresses by all four parts, the names' digests
and postcode and country as they are; and who is one person with whom. How consent travels differs,
of each member or of a job, and is no part of a list.
"""

from __future__ import annotations

import hashlib

import pytest

from connectors.sandbox.state import Identifier, Row
from tests.integration.commands import Desk, Hands

CELLS = (
    *("email", "email_2", "email_3", "phone", "phone_2", "phone_3"),
    *("first_name", "last_name", "country", "postcode", "ad_consent"),
)
BOTH = {"google": "By requests", "google-old": "By jobs"}

# As shops have them: cells by name, those of `CELLS`.
PEOPLE: dict[str, dict[str, str]] = {
    "all of it": {
        "email": "  Anna.Maria+news@GMail.com ",
        "email_2": "anna@EXAMPLE.com",
        "email_3": "a.n.n.a@googlemail.com",
        "phone": "06 20000001",
        "phone_2": "0031 6 2000 0002",
        "phone_3": "+44 20 7946 0018",
        "first_name": " Anna ",
        "last_name": "de Vries",
        "country": "nl",
        "postcode": "1011 ab",
        "ad_consent": "granted",
    },
    "shares her phone": {"email": "bert@example.com", "phone": "+31620000001"},
    "shares her e-mail": {"email": "anna@example.com", "phone": "+31620000009"},
    "one e-mail twice": {"email": "Carl@example.com", "email_2": "carl@example.com "},
    "only a second phone": {"phone_2": "+31 6 2000 0003", "country": "NL"},
    "not asked, where nobody has to": {"email": "dan@example.com", "country": "US"},
    "not asked, where one has to": {"email": "eve@example.com", "country": "DE", "ad_consent": ""},
    "said no": {"email": "frank@example.com", "ad_consent": "denied"},
    "cannot be matched": {"email": "nobody", "phone": "12"},
    "half of it cannot": {"email": "@example.com", "phone": "+31620000004"},
    **{
        f"accents {number}": {
            "email": f"accents{number}@example.com",
            "first_name": first,
            "last_name": last,
            "country": country,
            "postcode": postcode,
        }
        for number, (first, last, country, postcode) in enumerate(
            [
                ("Zoë", "Müller-Lüdenscheidt", "DE", "01099"),
                ("Łukasz", "O'Żak", "pl", "00-001"),
                ("İpek", "ŞAHİN", "TR", "34000"),
                ("小明", "王", "CN", "100000"),
                ("Rene\u0301", "Lefe\u0300vre", "FR", "75 001"),
                ("Siobhán", "Ó Briain", "GB", "sw1a 1aa"),
                ("Dr. José", "García Jr.", "US", "90210-1234"),
            ]
        )
    },
    **{
        f"without {missing}": {
            name: text
            for name, text in {
                "email": f"without-{missing}@example.com",
                "first_name": "Gé",
                "last_name": "Bakker",
                "country": "BE",
                "postcode": "2000",
            }.items()
            if name != missing
        }
        for missing in ("first_name", "last_name", "country", "postcode")
    },
}


@pytest.fixture
def both(desk: Desk) -> Desk:
    """A shop of such people, and a sync over either API to a list of its own."""
    cells = ", ".join(f"{cell} TEXT" for cell in CELLS)
    desk.change(f"CREATE TABLE people (customer_key TEXT, {cells})")
    desk.sql("everyone", f"SELECT customer_key, {', '.join(CELLS)} FROM people")
    accounts = desk.settings["accounts"]
    accounts["google-old"] = {**accounts["google"], "connector": "google_ads"}
    settings = {**desk.sync, "guard": {"max_removed": "100%", "min_members": 0}}
    desk.settings["syncs"] = {
        account: {**settings, "account": account, "audience": name}
        for account, name in BOTH.items()
    }
    desk.save()
    for number, person in enumerate(PEOPLE.values()):
        row = {"ad_consent": "granted", **person}
        marks = ", ".join("?" * (1 + len(CELLS)))
        cells_of = tuple(row.get(cell) for cell in CELLS)
        desk.change(f"INSERT INTO people VALUES ({marks})", [(f"c:{number:03}", *cells_of)])
    return desk


def lists(desk: Desk, hands: Hands) -> tuple[frozenset[Identifier], frozenset[Row]]:
    """What both hold after a sync of both: as a set, and by persons."""
    done = desk.syncd("sync", *BOTH, "--wait", clock=hands)
    assert done.code == 0, done.said
    found = [desk.audience(name, google=True) for name in BOTH.values()]
    (requests, jobs) = ((one.identifiers, one.persons) for one in found)
    assert requests == jobs
    return requests


def test_both_lists_hold_the_same_whatever_happens_in_the_shop(both: Desk) -> None:
    hands = Hands()  # One for all: it is ahead of the machine's after the first wait.
    held, persons = lists(both, hands)
    assert ("email", sha256("annamaria@gmail.com")) in held
    assert ("phone", sha256("+442079460018")) in held
    addresses = {text.rpartition("|")[2] for kind, text in held if kind == "address"}
    assert addresses == {"NL", "DE", "PL", "TR", "CN", "FR", "GB", "US"}
    assert min(map(len, persons)) == 1
    assert max(map(len, persons)) > 6, "who shares a phone or an e-mail is one person there"
    gone = {("email", sha256(f"{name}@example.com")) for name in ("eve", "frank")}
    assert not held & gone

    both.change("UPDATE people SET email_2 = 'new@example.com', phone_3 = NULL WHERE rowid = 1")
    both.change("UPDATE people SET last_name = 'Çelik' WHERE email LIKE 'accents%'")
    both.change("UPDATE people SET ad_consent = 'denied' WHERE email = 'dan@example.com'")
    both.change("DELETE FROM people WHERE email LIKE 'without-%'")
    after, _ = lists(both, hands)
    assert ("email", sha256("new@example.com")) in after
    assert ("phone", sha256("+442079460018")) not in after
    assert len(held - after) > len(addresses), "names changed, and people left"

    both.change("DELETE FROM people WHERE rowid > 3")
    few, _ = lists(both, hands)
    assert few < after
    assert few


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
