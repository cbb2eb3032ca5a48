"""Emptying an orphaned audience in a world: what `syncd retire` does, put together for a test."""

from __future__ import annotations

from dataclasses import replace

from syncd.errors import SyncdError
from syncd.leaving.retiring import Retired, retire
from syncd.ledger.audiences import KnownAudience
from syncd.model import Audience
from syncd.runs.parts import Parts
from tests.integration.deaths import Died
from tests.integration.memory_worlds import ACCOUNT, MemoryWorlds
from tests.integration.worlds import World


def orphan(here: MemoryWorlds) -> tuple[str, str, str]:
    """Let the sync go on to another audience, and say where the one is that it leaves."""
    world, old = here.world, here.world.at
    other = here.remote.audiences.create(ACCOUNT, "Another")
    world.ledger.claim(
        Audience(world.platform.name, ACCOUNT, other.id, other.name), "all",
        known_syncs=frozenset({"all"}), created=True, event=None,
    )  # fmt: skip
    return old


def known(world: World, at: tuple[str, str, str]) -> KnownAudience:
    found = world.ledger.known(*at)
    assert found is not None
    return found


def parts_of(world: World) -> Parts:
    """As `syncd.app` makes them for an audience that no sync fills."""
    parts = world.parts()
    return replace(parts, sync=replace(parts.sync, name="", removes=False))


def visit(world: World, at: tuple[str, str, str]) -> Retired:
    """One call of `syncd retire`."""
    return retire(parts_of(world), known(world, at), actor="test")


def try_to(world: World, at: tuple[str, str, str]) -> Retired | SyncdError | None:
    """One call, whatever becomes of it; None if the process died, and is there again."""
    try:
        return visit(world, at)
    except SyncdError as error:
        return error
    except Died:
        world.restart()
        return None
