"""Who is held out: the same ones in every run, and as many as were asked for."""

from __future__ import annotations

import hashlib
from random import Random

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from syncd.identity.control import Control
from syncd.model import Holdout

KEY = bytes(range(32))
PEOPLE = [f"c:{number}".encode() for number in range(20_000)]
SHARES = st.floats(0.001, 0.5)


def held_out(share: float, seed: str = "whales", key: bytes = KEY) -> list[bool]:
    control = Control(key, Holdout(share, seed))
    found: list[bool] = control.marks(pa.array(PEOPLE, pa.binary())).to_pylist()
    return found


def test_it_is_blake2b_of_seed_and_key_now_and_in_ten_years() -> None:
    """Another hash would choose another control in the middle of a test of months."""
    expected = []
    for person in PEOPLE[:200]:
        digest = hashlib.blake2b(b"whales\0" + person, digest_size=8, key=KEY).digest()
        expected.append(int.from_bytes(digest, "big") < 0.05 * 2**64)
    assert held_out(0.05)[:200] == expected


@given(SHARES)
def test_as_many_are_held_out_as_the_share_says(share: float) -> None:
    """Within five standard deviations of 20,000 draws, for a seed that stands."""
    spread = (share * (1 - share) / len(PEOPLE)) ** 0.5
    assert abs(sum(held_out(share)) / len(PEOPLE) - share) < 5 * spread


@given(SHARES, SHARES)
def test_a_larger_share_keeps_whom_a_smaller_one_held_out(one: float, other: float) -> None:
    small, large = (held_out(share) for share in sorted((one, other)))
    assert all(after for before, after in zip(small, large, strict=True) if before)


def test_another_seed_or_another_ledger_chooses_others() -> None:
    """Independently: of whom one holds out, the other holds out its share."""
    first = held_out(0.2)
    for second in (held_out(0.2, seed="win-back"), held_out(0.2, key=bytes(32))):
        both = sum(one and two for one, two in zip(first, second, strict=True))
        assert abs(both / sum(first) - 0.2) < 0.04


@given(st.lists(st.binary(), unique=True, min_size=1, max_size=30), st.randoms())
def test_nobody_is_held_out_for_where_they_stand(keys: list[bytes], order: Random) -> None:
    control = Control(KEY, Holdout(0.5, "whales"))
    found = dict(zip(keys, control.marks(pa.array(keys, pa.binary())).to_pylist(), strict=True))
    shuffled = list(keys)
    order.shuffle(shuffled)
    assert control.marks(pa.array(shuffled, pa.binary())).to_pylist() == [
        found[key] for key in shuffled
    ]


def test_nobody_at_all_is_a_column_too() -> None:
    assert Control(KEY, Holdout(0.5, "x")).marks(pa.array([], pa.binary())).to_pylist() == []
