"""Sizes and pairs, from how many customers are in which set of segments."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.segments.overlaps import overlap

PEOPLE = st.sets(st.integers(0, 12))


@given(st.lists(PEOPLE, min_size=1, max_size=5))
def test_pairs_are_those_of_the_sets(segments: list[set[int]]) -> None:
    """Whatever sets there are, in plain Python."""
    names = [f"s{number}" for number in range(len(segments))]
    bits = Counter(
        sum(2**place for place, members in enumerate(segments) if person in members)
        for person in set().union(*segments)
    )
    found = overlap(names, [(str(key), count) for key, count in bits.items()])
    assert found.sizes == {name: len(one) for name, one in zip(names, segments, strict=True)}
    assert found.either == len(set().union(*segments))
    assert len(found.pairs) == len(names) * (len(names) - 1) // 2
    for pair in found.pairs:
        one, other = (segments[names.index(name)] for name in (pair.one, pair.other))
        assert pair.both == len(one & other)
        assert pair.jaccard == pytest.approx(len(one & other) / max(len(one | other), 1))
        assert pair.of_one == pytest.approx(len(one & other) / max(len(one), 1))
        assert pair.of_other == pytest.approx(len(one & other) / max(len(other), 1))


def test_two_are_alike_from_four_fifths_on() -> None:
    assert overlap(["a", "b"], [(3, 8), (1, 2)]).pairs[0].alike
    assert not overlap(["a", "b"], [(3, 7), (1, 2)]).pairs[0].alike
