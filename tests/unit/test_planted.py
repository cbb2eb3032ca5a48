"""The property tests can fail: each of these faults, planted, is found.

A fault is planted in our own statements, then the history test of `test_membership` runs
as it stands and must break.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import Phase, given, settings

from syncd.membership import compare, fold
from tests.unit import test_membership as properties
from tests.unit.membership_world import Ending, Person

History = list[tuple[dict[str, Person], list[Ending], int]]
Plant = Callable[[pytest.MonkeyPatch], None]


def single_set(patch: pytest.MonkeyPatch) -> None:
    """Removals trust the lower bound too: an addition whose answer was lost is forgotten."""
    patch.setattr(compare, "GONE", compare.GONE.replace("(removed_at IS NULL", "(state <> 0"))


def by_member(patch: pytest.MonkeyPatch) -> None:
    """Who leaves takes along every identifier, held by others or not."""
    patch.setattr(
        compare,
        "GONE",
        compare.GONE.replace(
            "id NOT IN (SELECT id FROM want_link)",
            "id IN (SELECT id FROM held_link JOIN held_row USING (r) WHERE current "
            "AND key NOT IN (SELECT key FROM want))",
        ),
    )


def repeated_while_settling(patch: pytest.MonkeyPatch) -> None:
    """An accepted removal is planned again on the next run."""
    patch.setattr(compare, "GONE", compare.GONE.replace("removed_at IS NULL OR", "TRUE OR"))


def confirmed_after_return(patch: pytest.MonkeyPatch) -> None:
    """A due confirmation goes out though the member came back."""
    patch.setattr(
        compare,
        "GONE",
        compare.GONE.replace(
            "AND id NOT IN (SELECT id FROM want_link)",
            "AND (doubt OR id NOT IN (SELECT id FROM want_link))",
        ),
    )
    patch.setattr(
        fold,
        "_NOT_REMOVED_ANY_MORE",
        fold._NOT_REMOVED_ANY_MORE.replace("SET removed_at = NULL, doubt", "SET doubt"),
    )


def no_second_sending(patch: pytest.MonkeyPatch) -> None:
    """Members joined to a removed person are not sent again."""
    patch.setattr(compare, "AGAIN", compare.AGAIN.replace("WHERE id IN", "WHERE FALSE AND id IN"))


@pytest.mark.parametrize(
    "plant",
    [single_set, by_member, repeated_while_settling, confirmed_after_return, no_second_sending],
)
def test_a_planted_fault_is_found(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the history test asserts is false once the fault is in."""
    plant(monkeypatch)

    @settings(max_examples=300, deadline=None, database=None, phases=[Phase.generate])
    @given(**properties.HISTORY)
    def search(history: History, segment: dict[str, Person]) -> None:
        properties.converges(history, segment)

    with pytest.raises((AssertionError, ExceptionGroup)):
        search()
