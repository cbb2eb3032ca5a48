"""The tests of erasures can fail: each of these faults, planted, is found by one of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pyarrow as pa
import pytest

from syncd.identity import erased
from syncd.ledger.store import Ledger
from syncd.membership import erasing as searching
from syncd.membership import fold
from syncd.model import Sizes
from tests.integration import test_erasure as properties
from tests.integration.memory_worlds import MemoryWorlds, memory_world
from tests.integration.test_erasure import MEMBERS

Plant = Callable[[pytest.MonkeyPatch], None]
Property = Callable[[MemoryWorlds], None]


def without_a_second_removal(patch: pytest.MonkeyPatch) -> None:
    """An accepted removal is believed."""
    patch.setattr(fold, "_TWICE", f"{fold._TWICE} AND FALSE")


def without_tombstones(patch: pytest.MonkeyPatch) -> None:
    """The next snapshot brings the person back."""
    patch.setattr(erased.Watch, "marks", lambda _, batch, __: pa.array([False] * len(batch)))


def with_what_others_hold(patch: pytest.MonkeyPatch) -> None:
    """A family's phone goes with one of them."""
    patch.setattr(searching, "_KEPT", "CREATE TABLE kept (id UHUGEINT)")


def with_everyone_who_shares_a_phone(patch: pytest.MonkeyPatch) -> None:
    """Every identifier that was given says who it is."""
    patch.setattr(searching, "_HIT", searching._HIT.replace("WHERE kind = 1 OR", "WHERE TRUE OR"))


def with_rows_kept(patch: pytest.MonkeyPatch) -> None:
    """A row that holds what somebody else has too stays, digests and all."""
    purge = searching._PURGE.replace(
        "WHERE r NOT IN (\n  SELECT r FROM live", "WHERE FALSE AND r NOT IN (\n  SELECT r FROM live"
    )
    assert purge != searching._PURGE
    patch.setattr(searching, "_PURGE", purge)


def with_lost_additions_repeated(patch: pytest.MonkeyPatch) -> None:
    """What nobody knows the outcome of is sent again, erased persons and all."""
    patch.setattr("syncd.membership.store.FileMembership.names", lambda *_: False)


def with_erased_persons_counted_as_lost(patch: pytest.MonkeyPatch) -> None:
    """The guard takes them for members who vanished."""
    patch.setattr("syncd.ledger.erasures.Erasures.sizes", lambda *_: Sizes())


def with_syncs_of_today_only(patch: pytest.MonkeyPatch) -> None:
    """An audience that no sync fills any more is forgotten."""
    every = Ledger.audiences
    patch.setattr(Ledger, "audiences", lambda self: tuple(a for a in every(self) if a.sync))


def after_everything_else(patch: pytest.MonkeyPatch) -> None:
    """A run does not look for erasures that are open."""
    patch.setattr("syncd.sync.erasing.carry_out", lambda *_, **__: None)


FAULTS: dict[Plant, Property] = {
    without_a_second_removal: (
        properties.test_every_erasure_is_confirmed_once_more_after_the_settle_window
    ),
    without_tombstones: properties.test_an_erased_person_leaves_at_once_and_stays_out,
    with_what_others_hold: properties.test_what_another_member_holds_is_not_sent,
    with_everyone_who_shares_a_phone: properties.test_what_another_member_holds_is_not_sent,
    with_rows_kept: properties.test_nothing_of_the_person_is_stored_once_it_is_over,
    with_lost_additions_repeated: partial(
        properties.test_an_addition_whose_answer_was_lost_is_not_sent_again, at_once=True
    ),
    with_erased_persons_counted_as_lost: (
        lambda _: properties.test_erasures_pass_a_guard_that_holds_everything_else()
    ),
    with_syncs_of_today_only: (
        properties.test_an_orphaned_audience_is_erased_from_and_confirmed_too
    ),
    after_everything_else: partial(
        properties.test_an_addition_whose_answer_was_lost_is_not_sent_again, at_once=False
    ),
}


@pytest.mark.parametrize("plant", FAULTS, ids=lambda plant: plant.__name__)
def test_a_planted_fault_is_found(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    with memory_world(later=False) as here:
        here.run(MEMBERS)
        plant(monkeypatch)
        with pytest.raises(AssertionError):
            FAULTS[plant](here)
