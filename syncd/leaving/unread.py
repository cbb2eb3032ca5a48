"""Plans that no snapshot of a segment stands behind: of erasures, of emptied audiences.

The ledger wants a run, a snapshot and a plan for every batch. These have a run of their
own, and a snapshot of nobody.
"""

from __future__ import annotations

from typing import Protocol

from syncd import settle
from syncd.ledger import directory
from syncd.ledger.audiences import KnownAudience
from syncd.model import (
    Phase,
    Plan,
    PlanCounts,
    PlanId,
    RunId,
    Snapshot,
    SnapshotId,
)
from syncd.ports import Connector
from syncd.runs import cutting
from syncd.runs.outbox import send
from syncd.runs.parts import Parts
from syncd.runs.sums import accepted_rows, refused_rows


class Drawn(Protocol):
    """A plan's file of removals, as the membership wrote it."""

    @property
    def plan(self) -> PlanId:
        """Its id."""
        ...

    @property
    def path(self) -> str:
        """Relative to the ledger's directory."""
        ...

    @property
    def checksum(self) -> str:
        """What the file is known by, hex; see `syncd.checksums`."""
        ...

    @property
    def removals(self) -> int:
        """Rows of phase REMOVE in it."""
        ...


def keep(
    parts: Parts, audience: KnownAudience, drawn: Drawn, *, run: RunId, of: str, confirmations: int
) -> Plan:
    """Keep a plan of removals alone; from here on its batches may be sent.

    Args:
        parts, audience: Whose it is.
        drawn: Its file.
        run: Who drew it.
        of: In place of a sync and a segment; no configuration can name one so.
        confirmations: How many of its removals repeat an accepted one, for the record.
    """
    at = (audience.platform, audience.account, audience.id)
    now, generation = parts.clock.now(), parts.ledger.generation(*at)
    if generation is None:
        raise RuntimeError("an audience without a membership has nobody to remove")
    read = Snapshot(
        SnapshotId(parts.names("s")), of, generation.rules, 0, 0, (), (), now, now, "", ""
    )
    parts.ledger.add_snapshot(read, run)
    plan = Plan(
        id=drawn.plan,
        sync=of,
        platform=audience.platform,
        account=audience.account,
        audience=audience.id,
        snapshot=read.id,
        generation=generation.number,
        configuration="",
        rules=generation.rules,
        counts=PlanCounts(0, 0, 0, 0, drawn.removals, 0, confirmations=confirmations),
        held=(),
        created_at=now,
        path=drawn.path,
        checksum=drawn.checksum,
    )
    batches = cutting.batches(parts, plan, {Phase.REMOVE: drawn.removals})
    with directory.step(parts.ledger, parts.directory):
        # Nobody can approve it or ask for it, and the guard looks at runs of syncs alone.
        parts.ledger.add_plan(plan, run, batches, event=None, shown=False)
    return plan


def carry_out(
    parts: Parts, connector: Connector, audience: KnownAudience, plan: Plan, *, actor: str
) -> tuple[int, int]:
    """Send a plan that was kept, and take into the membership what came of it, come what may.

    Returns:
        Rows whose removal was accepted, and rows that were refused.
    """
    try:
        send(parts, connector, plan, parts.ledger.batches(plan.id), audience.id)
    finally:
        settle.fold(parts, audience, actor=actor)
    batches = parts.ledger.batches(plan.id)
    return sum(accepted_rows(batches).values()), refused_rows(batches)
