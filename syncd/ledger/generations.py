"""Generations of memberships, and which files are still needed."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, Select, func, insert, or_, select, union

from syncd.errors import LedgerMismatch
from syncd.ledger import codec, states
from syncd.ledger.tables import approval, batch, generation, plan, snapshot
from syncd.model import Base, Generation, Sizes

# A held plan may be approved that long after it was drawn (DESIGN, promise 6).
_PLAN_KEPT = timedelta(hours=72)


def latest(tx: Connection, audience_pk: int) -> Generation | None:
    """The audience's membership as it stands, or None before the first."""
    query = select(generation).where(generation.c.audience == audience_pk)
    row = tx.execute(query.order_by(generation.c.number.desc()).limit(1)).mappings().one_or_none()
    return None if row is None else _generation(row)


def numbered(tx: Connection, audience_pk: int, number: int) -> Generation:
    """The audience's generation of that number, which the caller has seen."""
    at = (generation.c.audience == audience_pk) & (generation.c.number == number)
    return _generation(tx.execute(select(generation).where(at)).mappings().one())


def add(tx: Connection, audience_pk: int, made: Generation) -> None:
    """Keep the next generation.

    Raises:
        syncd.errors.LedgerMismatch: It does not follow the last one.
    """
    last = latest(tx, audience_pk)
    expected = 1 if last is None else last.number + 1
    if made.number != expected:
        raise LedgerMismatch(
            f"membership generation {made.number} was made where {expected} follows: another "
            "process wrote it, or the ledger's directory is of another time. Nothing was "
            "committed; run again, or `syncd rebuild`"
        )
    tx.execute(
        insert(generation).values(
            audience=audience_pk,
            number=made.number,
            path=made.path,
            checksum=made.checksum,
            sizes=codec.sizes_text(made.sizes),
            rules=made.rules,
            at=made.at,
            base_path=made.base.path if made.base else None,
            base_checksum=made.base.checksum if made.base else None,
            remembers=made.remembers,
        )
    )


def largest(tx: Connection, audience_pk: int, since: datetime) -> Sizes:
    """The largest sizes of each kind that the audience has had since then.

    What it held at `since` counts too: that is the last generation before it.
    """
    query = select(generation.c.sizes).where(generation.c.audience == audience_pk)
    before = query.where(generation.c.at < since).order_by(generation.c.number.desc()).limit(1)
    stored = [*tx.scalars(query.where(generation.c.at >= since)), *tx.scalars(before)]
    members, identifiers = 0, dict[str, int]()
    for sizes in map(codec.sizes, stored):
        members = max(members, sizes.members)
        for kind, count in sizes.identifiers.items():
            identifiers[kind] = max(identifiers.get(kind, 0), count)
    return Sizes(members, identifiers)


def named_files(tx: Connection, now: datetime) -> frozenset[str]:
    """Every path that some row still needs, relative to the ledger's directory."""
    last = (
        select(generation.c.audience, func.max(generation.c.number).label("number"))
        .group_by(generation.c.audience)
        .subquery()
    )
    newest, bases = (
        select(path).join(
            last,
            (last.c.audience == generation.c.audience) & (last.c.number == generation.c.number),
        )
        for path in (generation.c.path, generation.c.base_path)
    )
    plans = needed_plans(now).subquery()
    paths = union(
        newest,
        bases,
        select(plans.c.path),
        select(snapshot.c.path).join(plans, plans.c.snapshot == snapshot.c.id),
    )
    return frozenset(path for path in tx.scalars(paths) if path)


def needed_plans(now: datetime) -> Select[str, str]:
    """Plans whose rows may still be sent, folded in, or cut with a newer snapshot."""
    unfinished = select(batch.c.plan).where(
        or_(batch.c.unfolded.is_(True), batch.c.state.in_([s.value for s in states.OPEN]))
    )
    waiting = plan.c.state.in_(["held", "drafted"]) & (plan.c.created_at >= now - _PLAN_KEPT)
    approved = select(approval.c.plan).where(approval.c.expires_at > now)
    return select(plan.c.path, plan.c.snapshot).where(
        or_(plan.c.id.in_(unfinished), waiting, plan.c.id.in_(approved))
    )


def _generation(row: RowMapping) -> Generation:
    return Generation(
        number=row["number"],
        path=row["path"],
        checksum=row["checksum"],
        sizes=codec.sizes(row["sizes"]),
        rules=row["rules"],
        at=row["at"],
        base=Base(row["base_path"], row["base_checksum"]) if row["base_path"] else None,
        remembers=row["remembers"],
    )
