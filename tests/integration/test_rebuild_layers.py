"""A membership in two files, one of which is lost: nothing is pushed, and what is left is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncd.errors import LedgerMismatch
from tests.integration.memory_worlds import MemoryWorlds
from tests.integration.rebuilding import rebuilt, swap_ledger
from tests.integration.test_rebuild import BEFORE, LATE, ZOE, here

__all__ = ["here"]


@pytest.fixture
def two(here: MemoryWorlds) -> tuple[MemoryWorlds, Path, Path]:
    """A world whose membership lies in two files: these."""
    here.run({**BEFORE, "l": LATE})
    here.process()
    here.run({**BEFORE, "l": LATE})
    here.world.restart()
    last = here.world.ledger.generation(*here.world.at)
    assert last is not None
    assert last.base is not None
    var = here.world.folder / "var"
    assert {path.name for path in var.glob("*.members")} == {last.path, last.base.path}
    return here, var / last.path, var / last.base.path


def test_without_its_base_a_membership_pushes_nothing(
    two: tuple[MemoryWorlds, Path, Path],
) -> None:
    here, _, base = two
    before = len(here.world.sent)
    base.unlink()
    found = here.run({"z": ZOE})
    assert isinstance(found, LedgerMismatch)
    assert found.exit_code == 78
    assert str(found).startswith(f"{base.name} is missing; ")
    assert "`syncd rebuild`" in str(found)
    assert here.world.sent[before:] == []


def test_a_lost_ledger_is_made_anew_of_both_files(two: tuple[MemoryWorlds, Path, Path]) -> None:
    """The newer one names what it lies over."""
    here, _, _ = two
    swap_ledger(here, None)
    outcome = rebuilt(here)
    assert [each.sizes.members for each in outcome.audiences] == [4]
    here.world.check()
    here.settle_down({"z": ZOE})


def test_of_a_lost_base_all_that_came_since_is_known(
    two: tuple[MemoryWorlds, Path, Path],
) -> None:
    """Whoever came since is taken out; of others nothing is left to take them out by."""
    here, _, base = two
    base.unlink()
    (found,) = rebuilt(here).audiences
    assert found.sizes.members == 1
    assert found.generation > 0
    here.settle_down(BEFORE)


def test_of_a_lost_overlay_all_that_was_before_is_known(
    two: tuple[MemoryWorlds, Path, Path],
) -> None:
    here, overlay, _ = two
    overlay.write_bytes(b"SYNCD")
    outcome = rebuilt(here)
    assert outcome.broken == 1
    assert [each.sizes.members for each in outcome.audiences] == [3]
    here.settle_down({**BEFORE, "l": LATE})
