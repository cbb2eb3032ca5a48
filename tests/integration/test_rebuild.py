"""Ledger and files that do not fit push nothing; a rebuild keeps all that either knows."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from syncd.errors import LedgerMismatch
from syncd.ledger import directory
from syncd.membership import survivors
from syncd.membership.blocks import BlockReader
from syncd.membership.since import SECTION as SINCE
from syncd.model import BatchState
from syncd.sync import Result
from tests.integration.deaths import Death, Died
from tests.integration.ledger_databases import KEY
from tests.integration.memory_worlds import MemoryWorlds, Person, memory_world
from tests.integration.rebuilding import (
    backed_up,
    copied_var,
    put_back,
    rebuilt,
    swap_ledger,
    swap_var,
)

ZOE = Person(("zoe@example.com",))
ANNA = Person(("anna@example.com",), ("020 624 1111",))
BOB = Person(("bob@example.com",), ("+31 20 624 2222",))
LATE = Person(("late@example.com",))
LATE_ID = 1
BEFORE = {"z": ZOE, "a": ANNA, "b": BOB}


@pytest.fixture(params=[False, True], ids=["at once", "later"])
def here(request: pytest.FixtureRequest) -> Iterator[MemoryWorlds]:
    """A world that has synced three members, and to which time has passed since."""
    with memory_world(later=request.param) as made:
        made.run(BEFORE)
        made.process()
        made.run(BEFORE)
        made.world.clock.pass_by(hours=1)
        yield made


def refuses(here: MemoryWorlds, words: str) -> None:
    """A new process pushes nothing, says why and what to do."""
    with pytest.raises(LedgerMismatch, match=rf"{words}.*Nothing is pushed.*`syncd rebuild`") as no:
        here.world.restart()
    assert no.value.exit_code == 78
    here.world.ledger = here.world._open()


def events(here: MemoryWorlds, kind: str) -> list[str]:
    return [event.detail for event in here.world.ledger.events(kind=kind)]


# --- each way in which they come apart -------------------------------------------


def test_a_backup_put_back_is_refused_until_it_is_rebuilt(
    here: MemoryWorlds, tmp_path: Path
) -> None:
    """Some came, some left and one came back in the time that the backup does not know."""
    backed_up(here, tmp_path / "backup")
    here.run({"z": ZOE, "l": LATE})
    here.process()
    here.run({"z": ZOE, "l": LATE})
    put_back(here, tmp_path / "backup")

    refuses(here, "the ledger is the backup of 2026-11-22T13:00:00Z, what was pushed since")
    outcome = rebuilt(here)

    (found,) = outcome.audiences
    assert (found.sizes.members, found.generation > 0) == (3, True)
    here.settle_down({"a": ANNA, "l": LATE})


def test_a_backup_put_back_at_once_is_refused_too(here: MemoryWorlds, tmp_path: Path) -> None:
    """Generations are equal; that nothing ran since, no file can tell."""
    backed_up(here, tmp_path / "backup")
    put_back(here, tmp_path / "backup")
    refuses(here, "the ledger is the backup of")


def test_half_of_a_backup_is_refused(here: MemoryWorlds, tmp_path: Path) -> None:
    """Even at the same count: batches may have gone out since without a step."""
    backed_up(here, tmp_path / "backup")
    copied_var(here, tmp_path / "var")
    swap_var(here, tmp_path / "backup")
    refuses(here, "the directory is of the backup of 2026-11-22T13:00:00Z, the ledger is not")
    swap_var(here, tmp_path / "var")
    swap_ledger(here, tmp_path / "backup" / "ledger.db")
    refuses(here, "the ledger is the backup of")
    rebuilt(here)
    here.settle_down({"a": ANNA})


def test_a_plain_copy_of_an_older_ledger_loses_nobody(here: MemoryWorlds, tmp_path: Path) -> None:
    """The directory still knows who was pushed since: its files say whose they are."""
    here.world.ledger.close()
    shutil.copy(here.world.folder / "ledger.db", tmp_path / "old.db")
    here.world.restart()
    here.run({**BEFORE, "l": LATE})
    here.process()
    here.run({**BEFORE, "l": LATE})
    here.world.restart()  # sweeps the plans that were carried out: a generation alone knows
    swap_ledger(here, tmp_path / "old.db")

    refuses(here, "the ledger is older")
    outcome = rebuilt(here)

    assert outcome.audiences[0].sizes.members == 4
    here.world.check()
    here.settle_down({"z": ZOE})


def test_an_older_ledger_learns_of_a_plan_that_was_on_its_way(
    here: MemoryWorlds, tmp_path: Path
) -> None:
    """No generation knows of it yet: it went out, then the process died."""
    here.world.ledger.close()
    shutil.copy(here.world.folder / "ledger.db", tmp_path / "old.db")
    here.world.restart()
    here.run({**BEFORE, "l": LATE}, death=Death("push", 1, "after"))
    swap_ledger(here, tmp_path / "old.db")

    outcome = rebuilt(here)

    assert outcome.audiences[0].plans >= 1
    here.process()
    here.world.check()
    here.settle_down({"z": ZOE})


def test_a_removal_that_was_settling_may_have_been_undone(
    here: MemoryWorlds, tmp_path: Path
) -> None:
    """The backup knows Anna removed; she came back since, and goes again."""
    here.run({"z": ZOE, "b": BOB})
    here.process()
    here.run({"z": ZOE, "b": BOB})
    here.world.clock.pass_by(hours=60)
    backed_up(here, tmp_path / "backup")
    here.run(BEFORE)
    here.process()
    here.run(BEFORE)
    put_back(here, tmp_path / "backup")
    rebuilt(here)
    here.world.check()
    here.settle_down({"z": ZOE})


def test_an_older_directory_loses_whom_it_does_not_know_and_says_so(
    here: MemoryWorlds, tmp_path: Path
) -> None:
    copied_var(here, tmp_path / "old")
    here.run({**BEFORE, "l": LATE})
    here.process()
    here.run({**BEFORE, "l": LATE})
    here.process()
    late = here.world.identifiers
    swap_var(here, tmp_path / "old")

    refuses(here, "the directory is older")
    rebuilt(here)

    assert "It may hold others" in events(here, "audience_rebuilt")[-1]
    (known,) = here.world.ledger.audiences()
    assert known.adopted
    for _ in range(3):
        assert isinstance(here.run({"z": ZOE}), Result)
        here.process()
    left = here.world.identifiers - here.world.expected()
    assert len(left) == LATE_ID
    assert left <= late
    here.world.check_nobody_missed()


@pytest.mark.parametrize("stamp", [True, False], ids=["files alone", "everything"])
def test_a_directory_that_is_lost_adds_everyone_again(here: MemoryWorlds, *, stamp: bool) -> None:
    kept = (here.world.folder / "var" / "ledger.json").read_bytes()
    swap_var(here, None)
    if stamp:
        (here.world.folder / "var" / "ledger.json").write_bytes(kept)
        found = here.run(BEFORE)
        assert isinstance(found, LedgerMismatch)
        assert "is missing" in str(found)
        assert "`syncd rebuild`" in str(found)
    else:
        refuses(here, "is missing")
    outcome = rebuilt(here)

    assert "missing" in outcome.reason
    assert "nobody is known to be in it any more" in events(here, "audience_rebuilt")[-1]
    before = len(here.world.sent)
    here.settle_down(BEFORE)
    assert sum(len(push.rows) for push in here.world.sent[before:]) == len(BEFORE)


def test_a_lost_ledger_is_made_anew_of_its_files(here: MemoryWorlds) -> None:
    """The files name their audience, so nobody has to adopt it."""
    swap_ledger(here, None)
    refuses(here, "do not belong together: .* older")
    outcome = rebuilt(here)

    assert [(each.sync, each.sizes.members) for each in outcome.audiences] == [("all", 3)]
    here.world.check()
    here.settle_down({"z": ZOE})


def test_a_damaged_file_counts_as_lost(here: MemoryWorlds) -> None:
    for path in (here.world.folder / "var").glob("*.members"):
        path.write_bytes(path.read_bytes()[:-9])
    (here.world.folder / "var" / "g0.members").write_bytes(b"SYNCD")
    assert isinstance(here.run({"z": ZOE}), LedgerMismatch)
    assert rebuilt(here).broken == 2
    here.settle_down(BEFORE)


def test_a_block_that_only_a_fold_reads_stops_it_there(here: MemoryWorlds) -> None:
    """What was sent by then is known; nothing is sent on top of it, and a rebuild makes it good."""
    last = here.world.ledger.generation(*here.world.at)
    assert last is not None
    tear(here.world.folder / "var" / last.path, SINCE)
    found = {"z": ZOE, "l": LATE}  # of who leaves, a fold looks up since when they were there
    for sends in (True, False, False):
        before = len(here.world.sent)
        error = here.run(found)
        assert isinstance(error, LedgerMismatch)
        assert f"of {last.path} is not what was written" in str(error)
        assert bool(here.world.sent[before:]) is sends
        here.process()
    rebuilt(here)
    here.settle_down(found)


def tear(path: Path, section: str) -> None:
    """Zeros where a section's blocks were."""
    content = bytearray(path.read_bytes())
    with BlockReader(path, key=KEY.derive("files"), checksum=None) as file:
        for block in file._blocks:
            if block.section == section:
                content[block.offset : block.offset + block.length] = bytes(block.length)
    path.write_bytes(content)


# --- what was unfinished ---------------------------------------------------------


def test_what_was_unfinished_is_sent_again_if_its_plan_is_there(
    here: MemoryWorlds, tmp_path: Path
) -> None:
    here.run({**BEFORE, "l": LATE}, death=Death("push", 1, "after"))
    backed_up(here, tmp_path / "backup")
    put_back(here, tmp_path / "backup")
    rebuilt(here)

    here.process()
    here.world.check()
    unfinished = here.world.ledger.unfinished(*here.world.at)
    assert [batch.state for batch in unfinished] == [BatchState.SENDING]
    here.settle_down({"z": ZOE})
    assert events(here, "batches_resolved")


def test_what_was_unfinished_is_given_up_if_its_plan_is_lost(here: MemoryWorlds) -> None:
    here.run({**BEFORE, "l": LATE}, death=Death("push", 1, "after"))
    for path in (here.world.folder / "var").glob("*.plan"):
        path.unlink()
    outcome = rebuilt(here)

    assert outcome.audiences[0].cancelled >= 1
    assert here.world.ledger.unfinished(*here.world.at) == ()
    assert "its file is lost" in events(here, "batches_cancelled")[-1]
    here.settle_down({**BEFORE, "l": LATE})


@pytest.mark.slow
def test_accepted_and_not_taken_in_is_not_certain_either(
    here: MemoryWorlds, tmp_path: Path
) -> None:
    """The backup was made between the receipt and the fold; then the member left and came."""
    moments: list[Death] = []

    def back_up(point: Death) -> None:
        if point.what == "commit":
            moments.append(point)
            backed_up(here, tmp_path / str(len(moments)))

    here.world.wire.passing = back_up
    here.run({**BEFORE, "l": LATE})
    here.world.wire.passing = None
    here.process()
    here.run(BEFORE)
    here.process()
    for number in range(1, len(moments) + 1):
        with here.copied() as there:
            put_back(there, tmp_path / str(number))
            rebuilt(there)
            there.world.check()
            there.settle_down({**BEFORE, "l": LATE})


# --- itself ------------------------------------------------------------------------


def test_a_rebuild_that_dies_asks_for_one_again(here: MemoryWorlds, tmp_path: Path) -> None:
    backed_up(here, tmp_path / "backup")
    here.run({"z": ZOE})
    here.process()
    for when in ("before", "after"):
        with here.copied() as there:
            put_back(there, tmp_path / "backup")
            there.world.wire.death, there.world.wire.counts["commit"] = Death("commit", 1, when), 0
            with pytest.raises(Died):
                rebuilt(there)
            there.world.wire.death = None
            refuses(there, "belong together")
            rebuilt(there)
            there.settle_down({"a": ANNA})


def test_a_rebuilt_pair_is_another_one(here: MemoryWorlds, tmp_path: Path) -> None:
    """What was left behind can never be mixed in again."""
    copied_var(here, tmp_path / "old")
    before = here.world.ledger.stamp()
    rebuilt(here)

    assert here.world.ledger.stamp().ledger_id != before.ledger_id
    assert here.world.ledger.verify().ok
    swap_var(here, tmp_path / "old")
    refuses(here, "another ledger's")


def test_a_rebuild_of_nothing_is_none(tmp_path: Path) -> None:
    with memory_world(later=False) as new:
        assert rebuilt(new).audiences == ()
        new.settle_down(BEFORE)
        assert tmp_path.exists()


def test_two_rebuilds_know_what_one_knew(here: MemoryWorlds) -> None:
    rebuilt(here)
    once = here.world.possible()
    rebuilt(here)
    assert here.world.possible() == once
    here.settle_down({"z": ZOE})


# --- planted -----------------------------------------------------------------------

Plant = Callable[[pytest.MonkeyPatch], None]


def still_certain(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(survivors, "_UNSURE", "UPDATE held_id SET doubt = TRUE, removed_at = NULL")


def nobody_known(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(survivors, "_UNSURE", "DELETE FROM held_id")


def same_id(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(directory, "_put_back", lambda *_: "")


@pytest.mark.parametrize("plant", [still_certain, nobody_known, same_id])
def test_a_planted_fault_is_found(
    plant: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with memory_world(later=False) as here:
        here.run(BEFORE)
        here.world.clock.pass_by(hours=1)
        plant(monkeypatch)
        with pytest.raises((AssertionError, pytest.fail.Exception)):
            test_a_backup_put_back_is_refused_until_it_is_rebuilt(here, tmp_path)
