"""Who is in which of several segments, and what they bought, against sets of keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import combinations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.errors import ShopError, Stopped
from syncd.model import SegmentQuery
from syncd.ports import Reading
from syncd.segments import crowds
from syncd.segments.crowds import Crowd, takings
from syncd.segments.overlaps import overlap

KEYS = st.sampled_from([f"c:{number:03}" for number in range(40)])
GROUPS = st.lists(st.lists(KEYS, unique=True, max_size=30), min_size=1, max_size=6)


class Rows:
    """A read of keys, in two batches; torn where it should be."""

    columns = ("customer_key",)

    def __init__(self, keys: list[str], *, torn: bool) -> None:
        self._keys = keys
        self._torn = torn

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        half = len(self._keys) // 2
        for part in (self._keys[:half], self._keys[half:]):
            yield pa.RecordBatch.from_pydict({"customer_key": pa.array(part, pa.string())})

    def joined(self) -> Iterator[pa.RecordBatch]:
        return iter(self)

    def seal(self) -> int:
        if self._torn:
            raise ShopError("it broke off")
        return len(self._keys)


class Keys:
    """A shop whose segments are lists of keys, by name."""

    def __init__(self, segments: dict[str, list[str]], torn: str = "") -> None:
        self._segments = segments
        self._torn = torn

    @contextmanager
    def read(self, query: SegmentQuery) -> Iterator[Reading]:
        yield Rows(self._segments[query.name], torn=query.name == self._torn)


def query(name: str) -> SegmentQuery:
    return SegmentQuery(name, "", {}, "")


def crowd_of(segments: dict[str, list[str]]) -> Crowd:
    found, shop = Crowd(), Keys(segments)
    for name, keys in segments.items():
        assert found.add(name, shop, query(name)) == len(keys)
    return found


@given(GROUPS, st.dictionaries(KEYS, st.integers(1, 10**12)))
def test_a_crowd_counts_as_sets_do(groups: list[list[str]], paid: dict[str, int]) -> None:
    """Sizes, what each two share, who of each bought, and for how much."""
    segments = {f"s{number}": keys for number, keys in enumerate(groups)}
    crowd = crowd_of(segments)
    found = overlap(crowd.names, crowd.sets())
    assert found.sizes == {name: len(keys) for name, keys in segments.items()}
    assert found.either == len(set().union(*groups))
    both = {(one.one, one.other): one.both for one in found.pairs}
    assert both == {
        (one, other): len({*segments[one]} & {*segments[other]})
        for one, other in combinations(segments, 2)
    }
    every = takings((key, 1, sum_) for key, sum_ in paid.items())
    assert every.revenue == sum(paid.values())
    sums = [[paid[key] for key in keys if key in paid] for keys in groups]
    assert crowd.bought(every) == [(len(each), sum(each)) for each in sums]


def test_buyers_are_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many come, and whatever a database writes its sums as."""
    monkeypatch.setattr(crowds, "ROWS", 3)
    beats = list[int]()
    every = takings(((f"c:{n}", 1, str(n)) for n in range(10)), lambda: beats.append(1))
    assert (len(every.who), every.revenue, len(beats)) == (10, 45, 4)


def test_a_segment_that_broke_off_leaves_nothing_behind() -> None:
    shop = Keys({"one": ["a", "b"], "torn": ["b", "c"], "two": ["c"]}, torn="torn")
    crowd = Crowd()
    crowd.add("one", shop, query("one"))
    with pytest.raises(ShopError):
        crowd.add("torn", shop, query("torn"))
    crowd.add("two", shop, query("two"))
    assert (crowd.names, crowd.sets()) == (["one", "two"], [(1, 2), (2, 1)])


def test_it_ends_between_two_batches() -> None:
    def stop() -> None:
        raise Stopped("told to end")

    with pytest.raises(Stopped):
        Crowd().add("one", Keys({"one": ["a"]}), query("one"), stop)


def test_every_bit_of_the_most_segments_counts() -> None:
    segments = {f"s{number}": ["all", f"own {number}"] for number in range(crowds.MOST)}
    crowd = crowd_of(segments)
    sizes = overlap(crowd.names, crowd.sets()).sizes
    assert set(sizes.values()) == {2}
    assert crowd.bought(takings([("all", 1, 5), ("own 62", 1, 2)]))[-1] == (2, 7)
    with pytest.raises(ValueError, match="63"):
        crowd.add("one more", Keys({"one more": []}), query("one more"))
