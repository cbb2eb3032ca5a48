"""Rebuilding a world, and the ways in which its ledger and its files come apart."""

from __future__ import annotations

import shutil
from pathlib import Path

from syncd.ledger.backups import Backup, make
from syncd.membership.survivors import SurvivingFiles
from syncd.rebuild import Outcome, Remains, rebuild
from tests.integration.ledger_databases import KEY
from tests.integration.memory_worlds import MemoryWorlds
from tests.integration.worlds import NAME, _new_ledger


def backed_up(here: MemoryWorlds, target: Path) -> Backup:
    """Back the world up, as `syncd backup` does."""
    world = here.world
    url = f"sqlite:///{world.folder / 'ledger.db'}"
    return make(world.ledger, url, world.folder / "var", target, now=world.clock.now())


def put_back(here: MemoryWorlds, target: Path) -> None:
    """Put a backup where the ledger and its files are, nothing else left there."""
    shutil.rmtree(here.world.folder / "var")
    shutil.copytree(target, here.world.folder / "var")
    swap_ledger(here, here.world.folder / "var" / "ledger.db")
    (here.world.folder / "var" / "ledger.db").unlink()


def swap_ledger(here: MemoryWorlds, other: Path | None) -> None:
    """Put another ledger in the place of ours, a new one if none is given; looks at nothing."""
    world = here.world
    world.ledger.close()
    for old in world.folder.glob("ledger.db*"):
        old.unlink()
    shutil.copy(other or _new_ledger(), world.folder / "ledger.db")
    world.ledger = world._open()


def copied_var(here: MemoryWorlds, to: Path) -> Path:
    """A copy of the directory as it is now."""
    shutil.copytree(here.world.folder / "var", to)
    return to


def swap_var(here: MemoryWorlds, other: Path | None) -> None:
    """Put an older copy of the directory in its place, or none at all."""
    shutil.rmtree(here.world.folder / "var")
    if other is None:
        (here.world.folder / "var").mkdir(mode=0o700)
    else:
        shutil.copytree(other, here.world.folder / "var")


def rebuilt(here: MemoryWorlds) -> Outcome:
    """`syncd rebuild`, then the start of a new process, which finds that all fits."""
    world = here.world
    outcome = rebuild(
        Remains(
            ledger=world.ledger,
            directory=world.folder / "var",
            files=SurvivingFiles(world.folder / "var", key=KEY.derive("files")),
            clock=world.clock,
            names=lambda prefix: f"{prefix}{next(world.numbers):06}",
            configured={"all": NAME},
            actor="test",
        )
    )
    world.restart()
    return outcome
