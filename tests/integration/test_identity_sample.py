"""identity sample: a segment in counts and shapes, and nothing of anybody."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest

from tests.integration.canaries import files_in, leaks
from tests.integration.commands import Answer, Desk

MAIL, PHONE, NAME = "Quirijn.Canary77@Aviary-9.Example.com", "06 3141 0077", "Zwartvogelaar Zeven"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


SQL = """SELECT customer_key, email, phone, first_name, last_name, country, postcode, ad_consent
FROM customers"""
MESSY = (
    ("c:canary1x77", MAIL, PHONE, "Quirijnhilde", NAME, None, "7301 ZX", "granted"),
    ("c:canary2x77", f"{MAIL};{MAIL}", "06 3141 0078", "Quirijnhilde", NAME, "NL", "7302 ZX", None),
    ("c:canary3x77", "Quirijn Canary78", "31415926535", " ", "null", "NL", None, None),
    ("c:canary4x77", sha256(MAIL.lower()), "06-31410079 (Zus)", None, NAME, "NL", "-", None),
    (
        "c:canary5x77",
        f"{MAIL}\u200b",
        None,
        "李小龙",
        "O\u2019Vogelaar",
        "Vogelland",
        "7305 ZX",
        None,
    ),
)
PLANTED = [
    value for row in MESSY for value in row if value and len(value) > 5 and value != "granted"
]


@pytest.fixture
def shop(desk: Desk) -> Desk:
    desk.sql("everyone", SQL)
    desk.change("INSERT INTO customers VALUES (?, ?, ?, ?, ?, ?, ?, ?)", MESSY)
    del desk.settings["shop"]["default_country"]
    desk.save()
    return desk


def fields(answer: Answer, platform: str = "meta") -> dict[str, Any]:
    return {each["field"]: each for each in answer.json["platforms"][platform]["fields"]}


def test_a_sample_counts_what_is_usable_repaired_and_refused(shop: Desk) -> None:
    before = shop.changes()
    answer = shop.syncd("identity", "sample", "everyone", "--json")
    assert (answer.code, answer.err) == (0, "")
    assert (answer.json["rows"], answer.json["whole"]) == (5, True)
    assert answer.json["platforms"]["meta"]["rules"] == "meta 2"
    email = fields(answer)["email"]
    assert (email["filled"], email["as_they_stand"], email["repaired"]) == (5, 0, 2)
    assert {(each["reason"], each["count"]) for each in email["refused"]} == {
        ("two addresses in one cell", 1),
        ("no domain", 1),
        ("already hashed", 1),
    }
    assert email["repaired_examples"] == [
        "Xxxxxxx.Xxxxxx00@Xxxxxx-0.Xxxxxxx.xxx",
        "Xxxxxxx.Xxxxxx00@Xxxxxx-0.Xxxxxxx.xxx…",
    ]
    assert shop.changes() == before


def test_a_sample_reads_as_a_page(shop: Desk) -> None:
    said = shop.syncd("identity", "sample", "everyone").out
    assert said.startswith("everyone: all 5 rows\n")
    assert "meta, by rule set meta 2\n" in said
    for line in (
        r"email +5 +0 +2 +3",
        r'email +1  two addresses in one cell +"Xxxxxxx.Xxxxxx00@',
        r'given_name +2 +"Xxxxxxxxxxxx"',
    ):
        assert re.search(line, said), line
    assert "note: meta: email: 1 of 5 (20%) are hashed already: if your shop stores SHA-256" in said


def test_a_sample_stops_after_so_many_rows_and_needs_no_seal(shop: Desk) -> None:
    shop.join(*range(50))
    some = shop.syncd("identity", "sample", "everyone", "--rows", "7", "--json").json
    assert (some["rows"], some["whole"]) == (7, False)
    every = shop.syncd("identity", "sample", "everyone", "--rows", "0", "--json").json
    assert (every["rows"], every["whole"]) == (55, True)
    said = shop.syncd("identity", "sample", "everyone", "--rows", "7").out
    assert said.startswith("everyone: the first 7 rows (--rows 0: all)")


def test_the_platforms_are_those_of_the_segments_syncs_else_all_shipped(shop: Desk) -> None:
    def sampled(*words: str) -> list[str]:
        return list(shop.syncd("identity", "sample", *words, "--json").json["platforms"])

    assert sampled("everyone") == ["meta"]
    assert sampled("everyone", "--platform", "google") == ["google"]
    assert sampled("everyone", "--platform", "google", "--platform", "memory") == [
        "google",
        "memory",
    ]
    shop.also("to-google", account="google")
    assert sampled("everyone") == ["meta", "google"]
    shop.settings["segments"]["alone"] = {"sql": "segments/everyone.sql"}
    shop.save()
    assert sampled("alone") == ["meta", "google"]


def test_a_segment_that_there_is_not_is_named_by_sample_too(shop: Desk) -> None:
    answer = shop.syncd("identity", "sample", "wales")
    assert answer.code == 78
    assert "whales" in answer.err


def test_no_default_country_and_digests_are_said_and_gone_once_mended(shop: Desk) -> None:
    shop.change("DELETE FROM customers")
    shop.change(
        "INSERT INTO customers (customer_key, email, phone) VALUES (?, ?, ?)",
        [(f"c:{n}", sha256(f"{n}"), f"06 1234567{n}") for n in range(9)],
    )
    notes = shop.syncd("identity", "sample", "everyone", "--json").json["notes"]
    assert any("9 of 9 (100%) are hashed already" in note for note in notes)
    assert any("set shop.default_country" in note for note in notes)
    shop.settings["shop"]["default_country"] = "NL"
    shop.save()
    (kept,) = shop.syncd("identity", "sample", "everyone", "--json").json["notes"][:1]
    assert "hashed already" in kept
    shop.settings["segments"]["everyone"]["prehashed"] = True
    shop.sql("everyone", "SELECT customer_key, email FROM customers")
    shop.save()
    mended = shop.syncd("identity", "sample", "everyone", "--json")
    assert mended.json["notes"] == []
    assert fields(mended)["email"]["as_they_stand"] == 9


def test_the_run_says_what_to_do_about_digests_too(shop: Desk) -> None:
    shop.syncd("sync", "everyone")
    (run,) = shop.syncd("runs", "--json").json
    said = shop.syncd("runs", "show", run["id"]).out
    assert "1 x email: already hashed (if your shop stores SHA-256, set `prehashed: true`" in said
    answer = shop.syncd("sync", "everyone")
    assert answer.code == 3
    assert "what is refused and why: syncd identity sample everyone" in answer.out


# --- nothing planted in the shop comes out ----------------------------------------------


def told(shop: Desk) -> dict[str, bytes]:
    """All that samples said and left, of every platform, for people and for programs."""
    both = ("--platform", "meta", "--platform", "google")
    found: dict[str, bytes] = {}
    for words in (("--rows", "3"), (), ("--json",), ("--rows", "0")):
        answer = shop.syncd("-v", "identity", "sample", "everyone", *both, *words)
        assert answer.code == 0, answer.said
        found |= {f"{words}: stdout": answer.out.encode(), f"{words}: stderr": answer.err.encode()}
    alone = shop.process("-v", "identity", "sample", "everyone", *both)
    assert alone.code == 0
    found |= {"process: stdout": alone.out.encode(), "process: stderr": alone.err.encode()}
    return found | dict(files_in(shop.var))


def test_a_sample_tells_nothing_of_anybody(shop: Desk) -> None:
    found = told(shop)
    assert b"Xxxxxxx" in found["(): stdout"], "examples are shown at all"
    assert leaks(PLANTED, found) == []


def test_an_example_without_its_mask_is_found(shop: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncd.identity.sampling.mask", lambda value: value)
    assert leaks(PLANTED, told(shop))
