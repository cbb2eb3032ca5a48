"""The demo's own account of what a platform should hold, against vectors and the product."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from syncd.demo.day import let_a_day_pass
from syncd.demo.expect import ConsentPolicy, Identifier, Platform, expected_identifiers
from syncd.demo.shop import make_shop
from syncd.identity.digest import Policy, digest
from syncd.identity.rules import rule_set
from syncd.model import ADDRESS_CELLS, EMAIL_CELLS, PHONE_CELLS, Consent, IdentifierKind

AS_OF = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
COLUMNS = ["customer_key", "email", "phone", "first_name", "last_name", "country", "postcode"]
COLUMNS += ["ad_consent"]
EVERYBODY = """
SELECT customer_key, email, phone, first_name, last_name, country, postcode, state AS ad_consent
FROM customers LEFT JOIN (SELECT customer_key, state, max(changed_at) FROM consents
  WHERE channel = 'ads' AND state IN ('granted', 'denied') GROUP BY customer_key)
USING (customer_key) WHERE NOT deleted AND registered_at < :as_of
"""


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def expected(
    tmp_path: Path,
    cells: Mapping[str, str | None],
    *,
    platform: Platform,
    consent: ConsentPolicy = "not_denied",
) -> frozenset[Identifier]:
    """What is expected of a segment of one member with these cells."""
    path = tmp_path / "one.db"
    sqlite3.connect(path).close()
    columns = ", ".join(f":{name} AS {name}" for name in cells)
    return expected_identifiers(
        path,
        f"SELECT 'c:1' AS customer_key, {columns}",
        cells,
        platform=platform,
        default_country="NL",
        consent=consent,
    )


@pytest.mark.parametrize(
    ("platform", "cell", "raw", "digested"),
    [
        # Printed by Meta, "Hashing and normalization".
        (
            "meta",
            "email",
            " MARY@example.com ",
            "f1904cf1a9d73a55fa5de0ac823c4403ded71afd4c3248d00bdcd0866552bb79",
        ),
        # From googleads/data-manager-python, tests/formatter_test.py, and Google's guide.
        (
            "google",
            "email",
            "  ALEXZ@EXAMPLE.com   ",
            "509e933019bb285a134a9334b8bb679dff79d0ce023d529af4bd744d47b4fd8a",
        ),
        (
            "google",
            "email",
            "cloudy.sanfrancisco+shopping@gmail.com",
            "223ebda6f6889b1494551ba902d9d381daf2f642bae055888e96343d53e9f9c4",
        ),
        (
            "google",
            "phone",
            "+44-113-496-0987",
            "0fac52d27ec377f8ad2f9de75d1f9bace693237e31868ae6f4616b8bbd0e94fb",
        ),
    ],
)
def test_published_vectors_come_out(
    tmp_path: Path, platform: Platform, cell: str, raw: str, digested: str
) -> None:
    found = expected(tmp_path, {cell: raw, "ad_consent": "granted"}, platform=platform)
    assert found == {(cell, digested)}


def test_an_address_is_as_each_platform_receives_it(tmp_path: Path) -> None:
    cells = {"first_name": " Élodie ", "last_name": "O'Brien-Smith", "ad_consent": "granted"}
    cells |= {"postcode": "94107-1234", "country": "us"}
    names = f"{sha256('élodie')}|{sha256('obriensmith')}"
    assert expected(tmp_path, cells, platform="meta") == {
        ("address", f"{names}|{sha256('94107')}|{sha256('us')}")
    }
    names = f"{sha256('élodie')}|{sha256(chr(111) + chr(39) + 'brien-smith')}"
    assert expected(tmp_path, cells, platform="google") == {("address", f"{names}|94107-1234|US")}


def test_part_of_an_address_is_none(tmp_path: Path) -> None:
    assert not expected(tmp_path, {"first_name": "Noor", "last_name": "Bos"}, platform="meta")


@pytest.mark.parametrize(
    ("said", "country", "policy", "meta", "google"),
    [
        ("granted", "NL", "granted", True, True),
        ("denied", "US", "not_denied", False, False),
        ("unknown", "NL", "not_denied", True, False),
        ("unknown", "US", "granted", False, True),
        (None, None, "not_denied", True, False),
        ("pending", "GB", "not_denied", True, False),
    ],
)
def test_consent_decides_who_is_expected(
    tmp_path: Path,
    said: str | None,
    country: str | None,
    policy: ConsentPolicy,
    *,
    meta: bool,
    google: bool,
) -> None:
    cells = {"email": "a.b@example.com", "ad_consent": said, "country": country}
    assert bool(expected(tmp_path, cells, platform="meta", consent=policy)) is meta
    assert bool(expected(tmp_path, cells, platform="google", consent=policy)) is google


@pytest.mark.parametrize("raw", ["none", "", "jan", "jan@", "a@example.com; b@example.com"])
def test_what_is_no_address_is_not_expected(tmp_path: Path, raw: str) -> None:
    assert not expected(tmp_path, {"email": raw}, platform="meta")


def by_the_product(rows: Sequence[tuple[str | None, ...]], platform: str) -> set[Identifier]:
    """The same question to `syncd.identity`, and the consent gate by hand."""
    arrays = [pa.array(values, pa.string()) for values in zip(*rows, strict=True)]
    batch = pa.RecordBatch.from_arrays(arrays, names=COLUMNS)
    policy = Policy(rule_set(platform), frozenset(IdentifierKind), "NL", 10)
    found: set[Identifier] = set()
    for row in digest(batch, policy).rows.to_pylist():
        unknown = row["consent"] == Consent.UNKNOWN.value
        barred = platform == "google" and unknown and row["region"]
        if barred or row["consent"] == Consent.DENIED.value:
            continue
        found |= {("email", row[name].hex()) for name in EMAIL_CELLS if row[name]}
        found |= {("phone", row[name].hex()) for name in PHONE_CELLS if row[name]}
        if row["given_name"]:
            parts = [row[name] for name in ADDRESS_CELLS]
            texts = [part.hex() if len(part) == 32 else part.decode() for part in parts]
            found.add(("address", "|".join(texts)))
    return found


@pytest.mark.parametrize("platform", ["meta", "google"])
def test_the_product_and_the_expectation_agree_on_the_whole_shop(
    tmp_path: Path, platform: Platform
) -> None:
    """Two paths that share no code, over all the dirt the demo has, before and after a day."""
    path = tmp_path / "shop.db"
    make_shop(path, customers=4_000, as_of=AS_OF)
    later = AS_OF + timedelta(days=1)
    let_a_day_pass(path, as_of=later, seed=3)
    found = expected_identifiers(
        path, EVERYBODY, {"as_of": later}, platform=platform, default_country="NL"
    )
    with closing(sqlite3.connect(path)) as shop:
        rows = shop.execute(EVERYBODY, {"as_of": later.strftime("%Y-%m-%d %H:%M:%S")}).fetchall()
    assert {kind for kind, _ in found} == {"email", "phone", "address"}
    assert len(found) > 3_000
    product = by_the_product(rows, platform)
    assert (len(found - product), len(product - found)) == (0, 0)
