"""Two raw rows have one fingerprint only if they would be digested to the same row."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import TypedDict, Unpack

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.identity.digest import Policy
from syncd.identity.fingerprints import Fingerprints, fingerprints
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


def test_it_is_blake2b_of_all_that_decides_now_and_in_ten_years() -> None:
    """By the standard's own library call, so that no version of anything may change it."""
    said = "\x1f".join(("1", "meta 3", "config", "nobody", *NAMES)) + "\x1e"
    row = "c:1\x1fanna@example.com\x1f\x00"
    digest = hashlib.blake2b((said + row).encode(), digest_size=16, key=KEY).digest()
    (line,) = found([("c:1", "anna@example.com", None)])
    assert [int(half) for half in line] == [
        int.from_bytes(digest[:8], "big"),
        int.from_bytes(digest[8:], "big"),
    ]


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
