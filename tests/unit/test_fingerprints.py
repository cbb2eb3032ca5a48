"""Two raw rows have one fingerprint only if they would be digested to the same row."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import TypedDict, Unpack

import numpy as np
import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given
from hypothesis import strategies as st

from syncd.identity.digest import Policy
from syncd.identity.fingerprints import Fingerprints, codes, fingerprints
from syncd.identity.rules import rule_set
from syncd.model import Detail, Fact, IdentifierKind

KEY = bytes(range(32))
CELLS = st.none() | st.text(st.sampled_from("ab;:|, \x1e\x1f\x00\né"), max_size=4)
ROWS = st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=2, max_size=8)
NAMES = ("customer_key", "email", "phone")


class Other(TypedDict, total=False):
    key: bytes
    shape: str
    said: Sequence[str]
    names: Sequence[str]


def found(rows: Sequence[Sequence[str | None]], **other: Unpack[Other]) -> Fingerprints:
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    batch = pa.RecordBatch.from_arrays(columns, names=list(other.get("names", NAMES)))
    said = other.get("said", ("config", "nobody"))
    key, shape = other.get("key", KEY), other.get("shape", "meta 3")
    return fingerprints(batch, key=key, shape=shape, said=said)


@given(ROWS)
def test_rows_are_told_apart_by_every_cell(rows: list[tuple[str | None, ...]]) -> None:
    """Also where texts run into each other, and where NULL stands beside an empty text."""
    lines = [tuple(line) for line in found(rows).tolist()]
    for row, line in zip(rows, lines, strict=True):
        controlled = any(char < " " for cell in row for char in cell or "")
        assert (line == (0, 0)) == controlled
    known = [(row, line) for row, line in zip(rows, lines, strict=True) if line != (0, 0)]
    for row, line in known:
        for other, its in known:
            assert (row == other) == (line == its)


@given(ROWS, st.integers(1, 7))
def test_a_row_has_its_fingerprint_wherever_it_stands(
    rows: list[tuple[str | None, ...]], cut: int
) -> None:
    """In a batch of its own, in a slice, in another order of rows."""
    whole = found(rows)
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    batch = pa.RecordBatch.from_arrays(columns, names=list(NAMES)).slice(cut)
    sliced = fingerprints(batch, key=KEY, shape="meta 3", said=("config", "nobody"))
    assert sliced.tolist() == whole[cut:].tolist()
    assert found(rows[::-1]).tolist() == whole[::-1].tolist()


def expected(row: str, *, key: bytes = KEY) -> list[int]:
    """By the standard's own calls, row by row."""
    said = "\x1f".join(("2", "meta 3", "config", "nobody", *NAMES))
    own = hashlib.blake2b(said.encode(), digest_size=16, key=key).digest()
    code = CMAC(AES(own))
    code.update(row.encode())
    found = code.finalize()
    return [int.from_bytes(found[:8], "big"), int.from_bytes(found[8:], "big")]


def test_it_is_a_cmac_of_all_that_decides_now_and_in_ten_years() -> None:
    """These numbers are in files: no version of anything may change them."""
    (line,) = found([("c:1", "anna@example.com", None)])
    assert line.tolist() == expected("c:1\x1fanna@example.com\x1f\x00")
    assert line.tolist() == [0xF259625D54DC2417, 0x886732ACAC320D97]


def test_a_code_is_that_of_rfc_4493() -> None:
    """Its section 4: texts of 0, 16, 40 and 64 bytes."""
    text = bytes.fromhex(
        "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
        "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
    )
    edges = np.array([0, 0, 16, 56, 120])
    held = np.frombuffer(text[:0] + text[:16] + text[:40] + text, np.uint8)
    key = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
    assert [line.tobytes().hex() for line in codes(key, edges, held)] == [
        "bb1d6929e95937287fa37d129b756746",
        "070a16b46b4d4144f79bdd9dd04a287c",
        "dfa66747de9ae63030ca32611497c827",
        "51f0bebf7e3b9d92fc49741779363cfe",
    ]


@given(st.lists(st.integers(0, 70), min_size=1, max_size=12), st.integers(0, 9))
def test_every_length_beside_every_other(sizes: list[int], again: int) -> None:
    """Rows of a batch are taken 16 bytes at a time, of whoever is that long."""
    rows = [(f"{n}", "é" * (size % 4) + "x" * size, None) for n, size in enumerate(sizes)]
    rows *= again + 1
    assert found(rows).tolist() == [expected(f"{n}\x1f{text}\x1f\x00") for n, text, _ in rows]


def test_rows_that_are_taken_together_are_no_others() -> None:
    """More than are taken at a time, some longer than all others."""
    rows = [(f"{n}", "x" * (n % 50 if n % 9_973 else 3_000), None) for n in range(40_000)]
    lines = found(rows)
    for n in (0, 1, 9_973, 16_383, 16_384, 19_946, 39_999):
        assert lines[n].tolist() == expected(f"{n}\x1f{rows[n][1]}\x1f\x00")


@pytest.mark.parametrize(
    "other",
    [
        {"key": bytes(32)},
        {"shape": "meta 4"},
        {"said": ("config", "somebody")},
        {"said": ("configuration", "nobody")},
        {"names": ("customer_key", "email", "phone_2")},
    ],
    ids=str,
)
def test_whatever_else_decides_makes_another_one(other: Other) -> None:
    rows = [("c:1", "anna@example.com", None), ("c:2", None, "+31620000001")]
    assert not np.any(found(rows) == found(rows, **other))


POLICY = Policy(rule_set("meta"), frozenset({IdentifierKind.EMAIL}), "NL", 9)


@pytest.mark.parametrize(
    "other",
    [
        replace(POLICY, rules=replace(POLICY.rules, version="next")),
        replace(POLICY, rules=replace(POLICY.rules, name="another")),
        replace(POLICY, kinds=frozenset(IdentifierKind)),
        replace(POLICY, default_country="BE"),
        replace(POLICY, max_identifiers=8),
        replace(POLICY, prehashed=True),
        replace(POLICY, details=frozenset({Detail.CITY})),
        replace(POLICY, facts=frozenset({Fact.VALUE})),
    ],
    ids=lambda one: one.shape,
)
def test_a_policy_is_told_from_any_other(other: Policy) -> None:
    """What a platform takes may change with its connector, and no configuration says so."""
    assert other.shape != POLICY.shape
