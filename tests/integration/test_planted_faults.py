"""The histories can fail: each of these faults, planted in our own code, is found.

A fault is planted, then the assertions of `test_histories` run as they stand, on small
worlds, so that a search of seconds meets what a large one meets in minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from syncd.errors import RequestRefused
from syncd.identity.step import Step
from syncd.identity.steps import STEPS
from syncd.ledger import parting
from syncd.membership import compare, fold
from syncd.model import BatchRecord, Refusal
from syncd.runs import outbox, refusals
from syncd.runs.search import Answer, Search
from tests.crash.planted import receipt_before_send
from tests.integration.deaths import Death
from tests.integration.memory_worlds import Person, memory_world
from tests.integration.test_histories import SCRIPTS, Befall, Chapter, converges
from tests.integration.test_refused_rows import email, finished, people, refuse
from tests.integration.worlds import World

Plant = Callable[[pytest.MonkeyPatch], None]

# Two who share a phone, one by oneself; somebody always stays.
ZOE = Person(("zoe@example.com",))
ANNA = Person(("anna@example.com",), ("020 624 1111",))
BOB = Person(("Bob@example.com",), ("+31 20 624 1111",))
small = st.fixed_dictionaries({"z": st.just(ZOE)}, optional={"a": st.just(ANNA), "b": st.just(BOB)})


def replaced(patch: pytest.MonkeyPatch, module: object, name: str, old: str, new: str) -> None:
    """Plant a fault in one of our statements, which must still be there to be changed."""
    statement = getattr(module, name)
    assert old in statement
    patch.setattr(module, name, statement.replace(old, new))


def single_set(patch: pytest.MonkeyPatch) -> None:
    """Who was not certainly added is not removed: an addition whose answer was lost stays."""
    replaced(patch, compare, "GONE", "(removed_at IS NULL", "(state <> 0")


def by_member(patch: pytest.MonkeyPatch) -> None:
    """Who leaves takes along every identifier, held by others or not."""
    replaced(
        patch,
        compare,
        "GONE",
        "id NOT IN (SELECT id FROM want_link)",
        "id IN (SELECT id FROM held_link JOIN held_row USING (r) WHERE current "
        "AND key NOT IN (SELECT key FROM want))",
    )


def receipt_before_push(patch: pytest.MonkeyPatch) -> None:
    """What is to be sent counts as accepted, then it is sent."""
    outgoing = outbox._Outgoing
    for name in ("_begin", "_recorded"):
        patch.setattr(outgoing, name, getattr(outgoing, name))  # to be put back
    receipt_before_send(outgoing)


def not_normalised(patch: pytest.MonkeyPatch) -> None:
    """Digests are made of e-mails as they were typed."""
    patch.setitem(STEPS, "lower", Step("", lambda value, _: value, lambda values, _: values))


def repeated_while_settling(patch: pytest.MonkeyPatch) -> None:
    """An accepted removal is planned again on the next run."""
    replaced(patch, compare, "GONE", "removed_at IS NULL OR", "TRUE OR")


def confirmed_after_return(patch: pytest.MonkeyPatch) -> None:
    """A due confirmation goes out though the member came back."""
    replaced(
        patch,
        compare,
        "GONE",
        "AND id NOT IN (SELECT id FROM want_link)",
        "AND ((doubt AND removed_at IS NOT NULL) OR id NOT IN (SELECT id FROM want_link))",
    )
    replaced(patch, fold, "_NOT_REMOVED_ANY_MORE", "SET removed_at = NULL, doubt", "SET doubt")


def not_sent_again(patch: pytest.MonkeyPatch) -> None:
    """Members joined to a removed person stay away from the platform with it."""
    replaced(patch, compare, "AGAIN", "WHERE id IN", "WHERE FALSE AND id IN")


def search(troubles: Sequence[tuple[Befall, ...]], *, examples: int = 40) -> None:
    """The history test on small worlds; says by an error that it found something."""
    chapters = st.builds(
        Chapter,
        members=small,
        befalls=st.sampled_from(troubles),
        hours=st.sampled_from([1, 1, 50]),
    )

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(history=st.lists(chapters, min_size=2, max_size=2), members=small)
    def holds(history: list[Chapter], members: dict[str, Person]) -> None:
        converges(history, members, later=False)

    holds()


@pytest.mark.parametrize(
    ("plant", "troubles"),
    [
        # An addition is known to be possible only if it was never answered and then refused.
        (single_set, [("applied, refused",)]),
        (by_member, [()]),
        (receipt_before_push, [()]),
        (not_normalised, [()]),
        (repeated_while_settling, [()]),
        (confirmed_after_return, [("applied",), ()]),
        (not_sent_again, [()]),
    ],
)
def test_a_planted_fault_is_found(
    plant: Plant, troubles: Sequence[tuple[Befall, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the history test asserts is false once the fault is in."""
    plant(monkeypatch)

    with pytest.raises((AssertionError, ExceptionGroup)):
        search(troubles)


def test_nothing_is_found_where_nothing_is_planted() -> None:
    """The small worlds are no fault themselves."""
    search([("outage applied",), ("applied, refused",), ("applied",), ()], examples=12)


def test_a_receipt_before_its_push_is_found_by_a_death_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Even if nobody looks into the ledger at the moment of the push."""
    receipt_before_push(monkeypatch)
    monkeypatch.setattr(World, "check_intent", lambda *_: None)
    with memory_world(later=False) as here:
        here.run({"z": ZOE}, death=Death("push", 1, "before"))

        with pytest.raises(AssertionError):
            here.settle_down({"z": ZOE})


# --- requests refused whole -----------------------------------------------------


def refused_rows_unheard(patch: pytest.MonkeyPatch) -> None:
    """The membership does not hear which rows were refused."""
    patch.setattr(parting, "named", lambda _: False)


def bad_rows_sent_again(patch: pytest.MonkeyPatch) -> None:
    """The rest of a batch goes out with the rows that the platform named."""
    patch.setattr(outbox, "kept_rows", lambda batch: range(batch.rows))


def other_half_forgotten(patch: pytest.MonkeyPatch) -> None:
    """Once a half was taken, the other one is left."""
    told = Search.told

    def forget(self: Search, answer: Answer) -> None:
        told(self, answer)
        if answer == "taken":
            del self._pieces[:1]

    patch.setattr(Search, "told", forget)


def all_blamed(patch: pytest.MonkeyPatch) -> None:
    """Every row of a request that was refused is held for it."""

    def blame(batch: BatchRecord, error: RequestRefused, **_: bool) -> refusals._Verdict:
        return refusals._Verdict(
            tuple(Refusal(row, error.code, whole=True) for row in range(batch.rows))
        )

    patch.setattr(refusals, "_verdict", blame)


def refused_for_good(patch: pytest.MonkeyPatch) -> None:
    """An identifier that stood in a refused row is not on the platform, whoever brings it."""
    replaced(patch, fold, "_NOT_NEVER", "state IN (2, 3)", "state = 9")


def bad_rows_are_found_and_held() -> None:
    """Named or searched for, one of four; its member changes twice, once with an answer lost."""
    phone = ("020 624 1111",)
    for named in (False, True):
        with memory_world(later=False, batch_rows=4) as here:
            members = people(4) | {"0001": Person(("member1@example.com",), phone)}
            refuse(here, {1}, named=named)
            result = finished(here.run(members))
            assert (result.refused, sum(result.pushed.values())) == (1, 3)
            assert here.world.identifiers == frozenset(map(email, (0, 2, 3)))
            here.world.check_quiet()
            changed = members | {"0001": Person(("new@example.com",), phone)}
            here.run(changed, SCRIPTS["applied, refused"])
            here.world.check()
            here.settle_down(members | {"0001": Person(("new@example.com",))})


@pytest.mark.parametrize(
    "plant",
    [
        refused_rows_unheard,
        bad_rows_sent_again,
        other_half_forgotten,
        all_blamed,
        refused_for_good,
    ],
)
def test_a_planted_fault_with_refused_rows_is_found(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        bad_rows_are_found_and_held()


def test_no_fault_with_refused_rows_is_found_where_none_is_planted() -> None:
    bad_rows_are_found_and_held()
