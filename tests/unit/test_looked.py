"""All names of a file are looked over once for what a plan and its fold ask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.membership import looked as module
from syncd.membership import sieve
from syncd.membership.known import Pool, distinct_names
from syncd.membership.looked import Looked
from syncd.membership.names import Named, named
from syncd.membership.sieve import Side, Wanted, spread
from syncd.membership.store import FileMembership
from syncd.model import Generation
from tests.unit.membership_world import MembershipWorld, Person, crowd
from tests.unit.sieve_sides import LINES, Line, rows, side


@given(
    sections=st.tuples(LINES, LINES),
    looks=st.lists(st.tuples(st.sets(st.integers(0, 11), max_size=2), LINES), max_size=2),
    most=st.sampled_from([0, 3, 200]),
)
@settings(max_examples=50, deadline=None)
def test_who_looks_again_finds_whom_a_first_look_finds(
    sections: tuple[list[Line], list[Line]],
    looks: list[tuple[set[int], list[Line]]],
    most: int,
) -> None:
    """Whatever was looked for before, in the same file: rows that move, and who may be new."""
    looked = Looked()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sieve, "BATCH_ROWS", 0)
        patch.setattr(module, "MOST", most)
        for seeds, new in [*looks, *looks]:
            found = []
            for before in (looked, None):
                sides = [side(sections[0], seeds, by_name=True), side(sections[1], set())]
                sides[0].looked = before
                spread(sides, Pool(), Pool(), wanted=names_wanted(new))
                found.append([one.concerned.tolist() for one in sides])
            assert found[0] == found[1]


def names_wanted(new: list[Line]) -> Wanted:
    found = named(rows(new))
    return Wanted(distinct_names([found.keys]), distinct_names([found.ids.ravel()]))


def test_a_fold_looks_for_nobody_whom_its_plan_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All names of a large audience are read by the plan, as often as it takes; each day anew."""
    monkeypatch.setattr(sieve, "BATCH_ROWS", 0)
    looks, batches, fold = list[str](), Side.batches, FileMembership.fold

    def looked(side: Side, *, ids: bool = True) -> Iterator[tuple[slice, Named]]:
        if side.looked is not None:  # the audience's
            looks.append("look")
        return batches(side, ids=ids)

    def folded(*given: Any, **more: Any) -> Generation:
        looks.append("fold")
        return fold(*given, **more)

    monkeypatch.setattr(Side, "batches", looked)
    monkeypatch.setattr(FileMembership, "fold", folded)
    world, members = MembershipWorld(tmp_path), crowd(40)
    world.run(members)
    for day in range(3):
        looks.clear()
        members[f"m{day:03}"] = Person((900 + day,))  # has another e-mail
        members[f"n{day:03}"] = Person((800 + day,), (800 + day,))  # comes
        del members[f"m{day + 30:03}"]
        world.run(members)
        assert looks[0] == "look"
        assert looks[looks.index("fold") :] == ["fold"]
