"""Replacing an audience in a world on a memory platform, while others have members in it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import cast

from connectors import memory
from connectors.sandbox.state import Identifier
from syncd.errors import SyncdError
from syncd.reconciling import replace_audience
from syncd.runs.parts import Parts
from syncd.sync import Result
from tests.integration.deaths import Death, Died
from tests.integration.memory_worlds import MemoryWorlds, Person
from tests.integration.worlds import Working

FOREIGN = frozenset({("email", "f" * 64), ("phone", "e" * 64)})
MEMBERS = {
    "a": Person(("anna@example.com",), ("06 12345678",)),
    "b": Person(("bob@example.com",), ("020 624 1111",)),
    "c": Person(("cato@example.com",)),
    "d": Person(("dee@example.com",), ("020 624 2222",)),
    "e": Person(("eve@example.com",)),
    "f": Person(("fay@example.com",)),
}


def let_others_in(here: MemoryWorlds, *rows: frozenset[Identifier]) -> None:
    """Another tool puts its members into our audience; an hour passes."""
    (audience,) = here.remote.audiences.named(here.world.account.name, "Everyone")
    audience.add(rows or (FOREIGN,), at=here.world.clock.now())
    here.world.foreign = frozenset().union(*(rows or (FOREIGN,)))
    here.world.clock.pass_by(hours=1)


def filled(here: MemoryWorlds) -> MemoryWorlds:
    """Our members are in, and so are another tool's."""
    works(here)
    here.run(MEMBERS)
    here.process()
    here.run(MEMBERS)
    let_others_in(here)
    return here


def works(here: MemoryWorlds, *, seed: int = 0) -> None:
    """While a run sleeps, the platform works on some of what waits, in an order of its own."""
    random = Random(seed)

    def work() -> None:
        waiting = len(here.remote.pending)
        order = [random.random() for _ in range(waiting)]
        here.process([int(one * 100) for one in order], left=random.randint(0, min(waiting, 1)))

    cast("Working", here.world.clock).work = work


def reconcile(
    here: MemoryWorlds,
    members: Mapping[str, Person],
    script: Sequence[memory.Step] = (),
    *,
    death: Death | None = None,
    passing: Callable[[Death], None] | None = None,
) -> Result | SyncdError | None:
    """`syncd reconcile --replace`, whatever becomes of it; None if the process died.

    Args:
        here: Where.
        members: What the shop holds.
        script: What befalls its pushes.
        death: Where it dies.
        passing: Told every point that the second run passes, which is the one that replaces.
    """
    runs = itertools.count(1)

    def parts() -> Parts:
        if next(runs) == 2:
            here.world.wire.passing = passing
        return here.world.parts()

    here.fill(members)
    here.remote._steps.clear()
    here.remote.script(script)
    here.world.wire.death = death
    here.world.wire.counts.clear()
    try:
        return replace_audience(parts, actor="test")
    except SyncdError as error:
        return error
    except Died:
        here.world.restart()
        return None
    finally:
        here.world.wire.death = here.world.wire.passing = None
        here.remote._steps.clear()


def told(here: MemoryWorlds) -> list[str]:
    """The kinds of audit events about replacing, in order."""
    events = here.world.ledger.events(limit=10_000)
    return [event.kind for event in events if event.kind.startswith("audience_replace")]
