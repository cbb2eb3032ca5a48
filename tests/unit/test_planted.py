"""The property tests can fail: each of these faults, planted, is found.

A fault is planted in our own statements, then the history test of `test_membership` runs
as it stands and must break; for a fault in how rules are changed, the one that holds each
plan against the oracle, on the smallest history that shows it.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import Phase, given, settings

from syncd.membership import compare, fold, migration
from tests.unit import test_membership as properties
from tests.unit import test_migration
from tests.unit.membership_world import Ending, Person
from tests.unit.test_membership import History, Moves

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
    [single_set, by_member, repeated_while_settling, confirmed_after_return],
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


# --- changed rules -----------------------------------------------------------


def replaced(patch: pytest.MonkeyPatch, module: object, name: str, old: str, new: str) -> None:
    """Plant a fault in one of our statements, which must still be there to be changed."""
    statement = getattr(module, name)
    assert old in statement
    patch.setattr(module, name, statement.replace(old, new))


def taken_for_churn(patch: pytest.MonkeyPatch) -> None:
    """Nothing is outdated: what changed rules replace leaves at once, as if its member had."""
    replaced(patch, migration, "FRESH", "WHERE id IN", "WHERE FALSE AND id IN")


def always_outdated(patch: pytest.MonkeyPatch) -> None:
    """What was gone before the rules changed passes for their doing."""
    replaced(patch, migration, "FRESH", "ON NOT sent.current", "ON FALSE")


def without_settling(patch: pytest.MonkeyPatch) -> None:
    """The old leave as soon as the new are accepted."""
    replaced(patch, migration, "SUPERSEDED", "coalesce(since <= $due, FALSE)", "$due > 0")


def before_acceptance(patch: pytest.MonkeyPatch) -> None:
    """The old leave though nobody knows whether the new arrived."""
    replaced(patch, migration, "SUPERSEDED", "WHERE state = 1", "WHERE TRUE")


def refused_replaces(patch: pytest.MonkeyPatch) -> None:
    """The old leave though the platform would not take the new."""
    replaced(patch, migration, "SUPERSEDED", "WHERE state = 1", "WHERE state <> 0")


def never_there_is_lost(patch: pytest.MonkeyPatch) -> None:
    """What was refused is taken for gone once its member has another value."""
    replaced(patch, compare, "GONE", "state = 3", "FALSE")


def whoever_left(patch: pytest.MonkeyPatch) -> None:
    """A leaver, and a column gone NULL, pass for changed rules."""
    replaced(patch, migration, "SUPERSEDED", "coalesce(has.n, 0) < need.n", "FALSE")


def one_for_two(patch: pytest.MonkeyPatch) -> None:
    """One new identifier replaces two old ones: a second column may go NULL unseen."""
    replaced(patch, migration, "SUPERSEDED", "coalesce(has.n, 0) < need.n", "has.n IS NULL")


def counted_twice(patch: pytest.MonkeyPatch) -> None:
    """Old and new of one identifier are two, so that half of them seem lost afterwards."""
    replaced(patch, migration, "SPARE", "INSERT INTO spare", "INSERT INTO spare SELECT 1 LIMIT 0;")


def not_followed(patch: pytest.MonkeyPatch) -> None:
    """Whose old row leaves is not sent again where the new one shares nothing with it."""
    replaced(patch, compare, "AGAIN", "WHERE key IN", "WHERE FALSE AND key IN")


def withdrawn_waits(patch: pytest.MonkeyPatch) -> None:
    """Denied consent waits for the window like the rest."""
    replaced(patch, migration, "SUPERSEDED", "AND id NOT IN (SELECT id FROM withdrawn)", "")


def window_not_renewed(patch: pytest.MonkeyPatch) -> None:
    """The window runs from the change of the rules, though an addition came two days later."""
    replaced(patch, migration, "_SINCE", "WHERE id IN", "WHERE FALSE AND id IN")


def outdated_for_good(patch: pytest.MonkeyPatch) -> None:
    """What is wanted again goes on passing for a digest of earlier rules."""
    replaced(patch, fold, "_RENEWED", "WHERE id IN", "WHERE FALSE AND id IN")


ONE, OTHER, BOTH = Person((1,)), Person((2,)), Person((1, 2))
FILLED: tuple[dict[str, Person], list[Ending], int, str] = ({"a": ONE}, [], 1, "plain")


@pytest.mark.parametrize(
    ("plant", "history", "segment", "rules"),
    [
        # The run after it would send them: they are not certain any more.
        (no_second_sending, [({"a": ONE, "b": BOTH}, [], 1, "plain")], {"a": ONE}, "plain"),
        (taken_for_churn, [FILLED], {"a": ONE}, "salted"),
        (always_outdated, [FILLED, ({"a": OTHER}, [], 1, "plain")], {"a": OTHER}, "salted"),
        (without_settling, [FILLED, ({"a": ONE}, [], 1, "salted")], {"a": ONE}, "salted"),
        (before_acceptance, [FILLED, ({"a": ONE}, ["lost"], 50, "salted")], {"a": ONE}, "salted"),
        (refused_replaces, [FILLED, ({"a": ONE}, ["bad"], 50, "salted")], {"a": ONE}, "salted"),
        (never_there_is_lost, [({"a": ONE}, ["bad"], 1, "plain")], {"a": OTHER}, "plain"),
        (whoever_left, [FILLED], {"b": OTHER}, "salted"),
        (one_for_two, [({"a": BOTH}, [], 1, "plain")], {"a": ONE}, "salted"),
        (counted_twice, [FILLED, ({"a": ONE}, [], 1, "salted")], {"a": ONE}, "salted"),
        (not_followed, [FILLED, ({"a": ONE}, [], 50, "salted")], {"a": ONE}, "salted"),
        # Who denies has by the new rules what another was sent by the old ones.
        (
            withdrawn_waits,
            [({"a": OTHER}, [], 1, "plain")],
            {"a": OTHER, "b": Person((1,), consent=2)},
            "shifted",
        ),
    ],
)
def test_a_fault_in_a_plan_is_found(
    plant: Plant,
    history: Moves,
    segment: dict[str, Person],
    rules: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a history that shows it, the plan is not the oracle's, or the sizes are others."""
    properties.agrees(history, segment, rules)
    plant(monkeypatch)

    with pytest.raises(AssertionError):
        properties.agrees(history, segment, rules)


@pytest.mark.parametrize("plant", [window_not_renewed, outdated_for_good])
def test_a_fault_in_what_is_remembered_of_it_is_found(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oracle reads what a membership remembers, and cannot know that it is wrong."""
    test_migration.scenarios()
    plant(monkeypatch)

    with pytest.raises(AssertionError):
        test_migration.scenarios()
