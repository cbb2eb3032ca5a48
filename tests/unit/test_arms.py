"""Who is in which arm: the same ones in every run, and no more of them moved than must be."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.identity.arms import Split
from syncd.identity.control import Control
from syncd.model import Arms, Holdout
from syncd.settings.values import parse_arms

KEY = bytes(range(32))
PEOPLE = pa.array([f"c:{number}".encode() for number in range(4_000)], pa.binary())
NAMES = ("a", "b", "c", "d")
FIRST_FORTY = "abbaaaaacaaaccaaaacaacbabbbbaaacbaaaacab"


@st.composite
def shares(draw: st.DrawFn) -> dict[str, float]:
    """Two to four arms, none of them tiny."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=2, max_size=4, unique=True))
    weights = [draw(st.integers(1, 9)) for _ in names]
    return {name: weight / sum(weights) for name, weight in zip(names, weights, strict=True)}


def arms(of: Mapping[str, float], seed: str = "whales", key: bytes = KEY) -> npt.NDArray[np.str_]:
    """The arm of each person."""
    return np.array(list(of))[Split(key, Arms(of, seed)).places(PEOPLE)]


def test_the_split_is_the_same_in_ten_years() -> None:
    """Another hash would send half of both arms the other campaign in the middle of a test."""
    assert "".join(arms({"a": 0.5, "b": 0.3, "c": 0.2})[:40]) == FIRST_FORTY


@settings(max_examples=25, deadline=None)
@given(shares())
def test_each_arm_has_its_share(of: dict[str, float]) -> None:
    """Within five standard deviations of 4,000 draws."""
    found = arms(of)
    for name, share in of.items():
        spread = (share * (1 - share) / len(PEOPLE)) ** 0.5
        assert abs((found == name).mean() - share) < 5 * spread


@settings(max_examples=25, deadline=None)
@given(shares(), shares())
def test_changed_shares_move_nobody_but_into_an_arm_that_grew_against_theirs(
    before: dict[str, float], after: dict[str, float]
) -> None:
    """Also where an arm is new, or is gone: its share was, or is, nothing."""
    was, now = arms(before), arms(after)
    for left, came in set(zip(was[was != now].tolist(), now[was != now].tolist(), strict=True)):
        grown = after[came] * before[left]
        assert grown > after.get(left, 0) * before.get(came, 0) * (1 - 1e-9)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.05, 0.95), st.floats(0.05, 0.95))
def test_of_two_arms_just_the_difference_moves(one: float, other: float) -> None:
    moved = (arms({"a": one, "b": 1 - one}) != arms({"a": other, "b": 1 - other})).mean()
    assert abs(moved - abs(one - other)) < 0.04


@settings(max_examples=25, deadline=None)
@given(shares(), st.randoms())
def test_the_order_of_arms_and_of_members_decides_nothing(
    of: dict[str, float], order: Random
) -> None:
    written = list(of.items())
    order.shuffle(written)
    assert (arms(dict(written)) == arms(of)).all()
    back = Split(KEY, Arms(of, "whales")).places(pa.array(PEOPLE.to_pylist()[::-1]))
    assert (np.array(list(of))[back][::-1] == arms(of)).all()


def test_arms_hold_out_and_other_segments_know_nothing_of_each_other() -> None:
    """Of whom one chooses, the other chooses its share; by the same seed and key, too."""
    first = arms({"a": 0.5, "b": 0.5}) == "a"
    control = Control(KEY, Holdout(0.2, "whales")).marks(PEOPLE).to_numpy(zero_copy_only=False)
    assert abs(control[first].mean() - control[~first].mean()) < 0.06
    for second in (
        arms({"a": 0.5, "b": 0.5}, seed="win-back"),
        arms({"a": 0.5, "b": 0.5}, key=bytes(32)),
    ):
        assert abs((second[first] == "a").mean() - 0.5) < 0.06


def test_within_an_arm_or_beside_it() -> None:
    split = Split(KEY, Arms({"a": 0.7, "b": 0.3}, "whales"))
    within, beside = (
        np.array(one) for one in (split.within("b", PEOPLE), split.beside("b", PEOPLE))
    )
    assert (within != beside).all()
    assert 0.2 < within.mean() < 0.4
    assert len(split.within("a", pa.array([], pa.binary()))) == 0


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (["b", "a"], ({"a": 0.5, "b": 0.5}, "")),
        ({"b": "60%", "a": 0.4}, ({"a": 0.4, "b": 0.6}, "")),
        ({"a": "33.3%", "b": "33.3%", "c": "33.4%"}, ({"a": 0.333, "b": 0.333, "c": 0.334}, "")),
        ({"shares": ["a", "b"], "seed": "spring"}, ({"a": 0.5, "b": 0.5}, "spring")),
        ({"shares": "60%", "seed": "40%"}, ({"seed": 0.4, "shares": 0.6}, "")),
    ],
)
def test_arms_are_read(written: object, read: tuple[dict[str, float], str]) -> None:
    found, seed = parse_arms(written)
    assert found == pytest.approx(read[0])
    assert seed == read[1]
    assert list(found) == sorted(found)


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("a", "must be"),
        (["a"], "has 1 arms; it must have 2 to 10"),
        (["a", "a"], "each once"),
        ({"a": "50%", "b": "40%"}, "come to 90%"),
        ({"a": "100%", "b": "0%"}, "each must be more than 0%"),
        ({"a b": "50%", "c": "50%"}, "a b: an arm is a name"),
        ({True: "50%", "n": "50%"}, "in quotes"),
        ({"shares": ["a", "b"], "sed": "x"}, "unknown key sed; did you mean seed?"),
        ({"shares": ["a", "b"], "seed": "a b"}, "seed: must be a name"),
    ],
)
def test_arms_that_cannot_be_meant_are_refused(written: object, why: str) -> None:
    with pytest.raises(ValueError, match=why.replace("?", r"\?")):
        parse_arms(written)
