"""A shop that keeps SHA-256 instead of values: `prehashed: true` on its segment."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tests.integration.commands import Desk, digests, email, phone

NOTHING = hashlib.sha256(b"").hexdigest()
NOT_A_DIGEST = "not 64 lower-case hexadecimal digits"
SQL = """SELECT customer_key, email, phone, first_name, last_name, country, postcode, ad_consent
FROM customers"""
PERSON = ("Anne Marie", "de Vries", "nl", "1012 AB", "granted")


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def hashed(number: int, *, plus: str = "") -> tuple[str, ...]:
    """A customer as such a shop keeps it, hashed here by hand."""
    number_in_e164 = plus + phone(number).removeprefix("+")
    names = (sha256("annemarie"), sha256("devries"))
    return (sha256(email(number)), sha256(number_in_e164), *names, *PERSON[2:])


@pytest.fixture
def two(desk: Desk) -> Desk:
    """The same customers twice: as they are, and as digests."""
    desk.change(
        "CREATE TABLE hashed (customer_key TEXT, email TEXT, phone TEXT, first_name TEXT, "
        "last_name TEXT, country TEXT, postcode TEXT, ad_consent TEXT)"
    )
    desk.sql("everyone", SQL)
    desk.sql("digests", SQL.replace("customers", "hashed"))
    desk.settings["segments"]["digests"] = {"sql": "segments/digests.sql", "prehashed": True}
    desk.also("digests", segment="digests", audience="Digests")
    return desk


def fill(desk: Desk, table: str, *rows: tuple[str, ...]) -> None:
    keyed = [(f"c:{n:05}", *row) for n, row in enumerate(rows)]
    desk.change(f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?, ?, ?, ?)", keyed)


def last(desk: Desk) -> dict[str, Any]:
    """All that is known of the newest run."""
    run = desk.syncd("runs", "--limit", "1", "--json").json[0]["id"]
    shown: dict[str, Any] = desk.syncd("runs", "show", run, "--json").json
    return shown


@pytest.mark.parametrize("google", [False, True])
def test_digests_of_the_shop_come_out_as_its_values_do(two: Desk, *, google: bool) -> None:
    fill(two, "customers", *((email(n), phone(n), *PERSON) for n in range(5)))
    fill(two, "hashed", *(hashed(n, plus="+" if google else "") for n in range(5)))
    for sync in ("everyone", "digests"):
        two.settings["syncs"][sync]["account"] = "google" if google else "meta"
    two.save()
    answer = two.syncd("sync", "everyone", "digests", "--wait")
    assert answer.code == 0, answer.said
    assert two.held("Digests", google=google) == two.held("Everyone", google=google)
    assert two.held("Digests", google=google) > digests(*range(5), google=google)


def test_what_is_no_digest_is_refused_with_its_reason(two: Desk) -> None:
    """Capitals, 63 digits, the digest of nothing, a raw value: each cell for itself."""
    good = hashed(1)
    fill(
        two,
        "hashed",
        (good[0].upper(), *good[1:]),
        (sha256("other@example.com"), good[1][:-1], good[2], NOTHING, *good[4:]),
        (NOTHING, sha256("31620000009"), email(3), *good[3:]),
        hashed(4),
    )
    answer = two.syncd("sync", "digests")
    assert answer.code == 0, answer.said
    refused = {(r["field"], r["reason"]): r["count"] for r in last(two)["snapshot"]["refused"]}
    assert refused == {
        ("email", NOT_A_DIGEST): 1,
        ("email", "the digest of an empty text"): 1,
        ("phone", NOT_A_DIGEST): 1,
        ("family_name", "the digest of an empty text"): 1,
        ("given_name", NOT_A_DIGEST): 1,
    }
    held = two.held("Digests")
    assert {("email", sha256(email(4))), ("phone", good[1])} <= held
    assert not {text for _, text in held} & {NOTHING, good[0].upper(), sha256(email(3))}


def test_digests_are_refused_where_nobody_said_that_they_are(two: Desk) -> None:
    """A digest's digest matches nobody: `prehashed` is never guessed."""
    two.settings["segments"]["digests"].pop("prehashed")
    two.save()
    fill(two, "hashed", hashed(1))
    answer = two.syncd("sync", "digests")
    assert answer.code == 4
    assert "syncd identity sample digests" in answer.err
    assert two.held("Digests") == frozenset()


def test_the_rules_of_a_plan_name_all_that_decides_a_digest(two: Desk) -> None:
    """Rule set, version, default country, and whether the shop hashes itself."""
    fill(two, "hashed", hashed(1))
    fill(two, "customers", (email(1), phone(1), *PERSON))
    labels = {}
    for sync in ("everyone", "digests"):
        assert two.syncd("sync", sync).code == 0
        run = last(two)
        labels[sync] = (run["plan"]["rules"], run["snapshot"]["rules"])
    assert labels["everyone"] == ("meta 2 NL", "meta 2 NL")
    assert labels["digests"] == ("meta 2 NL prehashed", "meta 2 NL prehashed")
    del two.settings["shop"]["default_country"]
    two.also("third", audience="Third")
    assert two.syncd("sync", "third").code == 0
    assert last(two)["plan"]["rules"] == "meta 2"
