"""Bad rows are found, all of them and no others, in few requests."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection

from hypothesis import given
from hypothesis import strategies as st

from syncd.runs.search import BLIND, Piece, Search


class Platform:
    """Refuses what holds a bad row.

    Attributes:
        asked: Requests for parts.
        reached: Rows that were taken.
        found: Single rows that were refused.
    """

    def __init__(self, rows: int, bad: Collection[int], *, taken: bool = False) -> None:
        self.bad, self.taken = bad, taken
        self.asked, self.reached, self.found = 0, set[int](), set[int]()
        self.search = Search(rows)
        while not self.search.hopeless(taken=self.taken) and self._ask():
            pass

    def _ask(self) -> bool:
        piece = self.search.next(taken=self.taken)
        if piece is None:
            return False
        self.asked += 1
        rows = set(range(piece.first, piece.first + piece.rows))
        if rows.isdisjoint(self.bad):
            self.reached |= rows
            self.taken = True
            self.search.told("taken")
        else:
            self.found |= rows if len(rows) == 1 else set()
            self.search.told("refused")
        return True


def limit(rows: int, bad: int) -> int:
    return bad * (math.ceil(math.log2(rows)) + 2) + 1


def test_every_set_of_bad_rows_of_a_small_request_is_found() -> None:
    """Also all of them: eight rows or fewer are each asked for alone before we give up."""
    for rows in range(1, 9):
        for bad in itertools.product([False, True], repeat=rows):
            wrong = {row for row, is_bad in enumerate(bad) if is_bad}
            if not wrong:
                continue
            for taken in (False, True):
                seen = Platform(rows, wrong, taken=taken)
                assert seen.found == wrong
                assert seen.reached == set(range(rows)) - wrong
                assert seen.search.open == ()
                assert seen.asked <= limit(rows, len(wrong))


@given(
    rows=st.integers(9, 20_000),
    places=st.sets(st.integers(0, 2**40), min_size=1, max_size=5),
    taken=st.booleans(),
)
def test_few_bad_rows_of_a_large_request_are_found(
    rows: int,
    places: set[int],
    taken: bool,  # noqa: FBT001 - drawn
) -> None:
    """At most log2 of its rows and two more for each; others went out on the way."""
    bad = {place % rows for place in places}
    seen = Platform(rows, bad, taken=taken)
    assert seen.found == bad
    assert len(seen.reached) == rows - len(bad)
    assert seen.asked <= limit(rows, len(bad))


@given(rows=st.integers(100, 2_000), every=st.integers(2, 20))
def test_bad_rows_everywhere_are_no_reason_to_give_up(rows: int, every: int) -> None:
    """Every part of the request holds one; good rows go out all the same."""
    bad = set(range(0, rows, every))
    assert Platform(rows, bad).found == bad


@given(rows=st.integers(64, 100_000))
def test_a_platform_that_refuses_everything_is_soon_given_up(rows: int) -> None:
    seen = Platform(rows, range(rows))
    assert seen.asked == BLIND + 2 * rows.bit_length()
    assert sum(piece.rows for piece in seen.search.open) + len(seen.found) == rows


def test_what_was_taken_elsewhere_shows_that_it_is_about_rows() -> None:
    """Then the search goes on, for as long as whoever asks has patience."""
    search = Search(16)
    for _ in range(BLIND + 10):
        search.next(taken=True)
        search.told("refused")
    assert not search.hopeless(taken=True)
    assert search.hopeless(taken=False)


def test_a_part_that_is_seen_to_elsewhere_says_nothing_of_the_other_half() -> None:
    search = Search(4)
    assert search.next(taken=True) == Piece(0, 2)
    search.told("elsewhere")
    assert search.open == (Piece(2, 2),)
