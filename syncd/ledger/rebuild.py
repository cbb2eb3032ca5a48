"""A ledger that goes on with other files than those it last knew: `syncd rebuild`.

What an audience holds is replaced by a generation that is sure of nobody, in one
transaction for all audiences, under a new ledger id: what was left behind, and what may
turn up again, can never be mixed in.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, and_, or_, select, update

from syncd.ledger import audiences, batches, generations, plans, states
from syncd.ledger.audiences import KnownAudience
from syncd.ledger.store import Ledger
from syncd.ledger.tables import approval, batch, generation, ledger, plan
from syncd.ledger.transactions import advance
from syncd.model import Audience, AuditEvent, BatchRecord, BatchState, Generation, Plan


@dataclass(frozen=True, slots=True)
class Standing:
    """What a ledger knows of one audience, and which files of that are left.

    Attributes:
        last: The newest generation, its file there or not; None before the first.
        kept: The newest generation whose file is whole, or None.
        plans: Plans whose files are whole, oldest first, with all their batches.
    """

    audience: KnownAudience
    last: Generation | None
    kept: Generation | None
    plans: tuple[tuple[Plan, tuple[BatchRecord, ...]], ...]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What becomes of one audience.

    Attributes:
        audience: A new one is claimed for `sync`.
        generation: Replaces the last one; None if nothing was ever sent.
        kept: Plans whose files are there: what is unfinished of them is sent again.
        events: Written with the change.
        takes_out: See `KnownAudience`.
    """

    audience: Audience
    sync: str
    generation: Generation | None
    kept: frozenset[str]
    events: Sequence[AuditEvent]
    takes_out: bool = False


def survey(of: Ledger, whole: Mapping[str, str]) -> tuple[tuple[Standing, ...], Mapping[str, str]]:
    """Every audience, and the checksum that the ledger knows of each of these files.

    Args:
        of: The ledger.
        whole: Checksums of the files that are there, by path.
    """
    with of.transactions.read() as tx:
        known = {
            str(path): str(checksum)
            for table in (generation, plan)
            for path, checksum in tx.execute(
                select(table.c.path, table.c.checksum).where(table.c.path.in_(whole))
            )
        }
        good = [path for path, checksum in known.items() if whole[path] == checksum]
        return tuple(_standing(tx, each, good) for each in audiences.every(tx)), known


def lost_batches(of: Ledger, standing: Standing) -> int:
    """How many batches would be cancelled: never sent, or of a plan whose file is gone."""
    with of.transactions.read() as tx:
        kept = {found.id for found, _ in standing.plans}
        query = select(batch.c.id).where(_cancelled(standing.audience.pk, kept))
        return len(tx.execute(query).all())


def commit(
    of: Ledger,
    rebuilt: Sequence[Rebuilt],
    *,
    known_syncs: frozenset[str],
    event: AuditEvent,
    now: datetime,
) -> None:
    """Go on with these generations, all of them or none, as another ledger.

    Every plan that waited for a person is void, and so is every approval. The directory's
    stamp is the caller's to write.
    """
    ledger_id = uuid4().hex
    with of.transactions.write() as tx:
        for each in rebuilt:
            _replace(tx, each, known_syncs=known_syncs, now=now)
        tx.execute(
            update(plan).where(plan.c.state.in_(["drafted", "held"])).values(state="superseded")
        )
        tx.execute(update(approval).where(approval.c.expires_at > now).values(expires_at=now))
        tx.execute(update(ledger).values(ledger_id=ledger_id))
        advance(tx)
        for told in (event, *(told for each in rebuilt for told in each.events)):
            of.transactions.tell(tx, told)
    of.ledger_id = ledger_id


def _standing(tx: Connection, audience: KnownAudience, good: Collection[str]) -> Standing:
    kept = tx.scalar(
        select(generation.c.number)
        .where(generation.c.audience == audience.pk, generation.c.path.in_(good))
        .order_by(generation.c.number.desc())
        .limit(1)
    )
    ids = tx.scalars(
        select(plan.c.id)
        .where(plan.c.audience == audience.pk, plan.c.path.in_(good))
        .order_by(plan.c.number)
    )
    found = [plans.one(tx, each) for each in ids.all()]
    return Standing(
        audience,
        last=generations.latest(tx, audience.pk),
        kept=None if kept is None else generations.numbered(tx, audience.pk, kept),
        plans=tuple((each, batches.of_plan(tx, each.id)) for each in found if each is not None),
    )


def _replace(tx: Connection, each: Rebuilt, *, known_syncs: frozenset[str], now: datetime) -> None:
    at = (each.audience.platform, each.audience.account, each.audience.id)
    if audiences.known(tx, *at) is None:
        audiences.claim(
            tx,
            each.audience,
            each.sync,
            known_syncs=known_syncs,
            created=True,
            now=now,
            takes_out=each.takes_out,
        )
    pk = audiences.needed(tx, *at).pk
    audiences.change(tx, pk, adopted=not each.takes_out, ours=True)
    # Past the table of legal steps: nobody can end these batches in any other way.
    tx.execute(
        update(batch)
        .where(_cancelled(pk, each.kept))
        .values(state=BatchState.CANCELLED.value, unfolded=False)
    )
    # The new generation has taken in all that may have been sent.
    tx.execute(
        update(batch)
        .where(batch.c.audience == pk, batch.c.unfolded.is_(True))
        .values(folded=batch.c.state, unfolded=False)
    )
    if each.generation is not None:
        generations.add(tx, pk, each.generation)


def _cancelled(audience_pk: int, kept: Collection[str]) -> ColumnElement[bool]:
    """Batches that were never sent, or cannot be sent again: their rows are gone."""
    lost = and_(
        batch.c.state.in_([state.value for state in states.OPEN]), batch.c.plan.not_in(kept)
    )
    never = batch.c.state == BatchState.PLANNED.value
    return and_(batch.c.audience == audience_pk, or_(never, lost))
