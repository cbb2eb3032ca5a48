"""The audit chain: each event sealed with the one before it.

An edit, a gap or a cut at the end shows. A holder of the ledger key could still write
the whole chain anew, and so could who puts back an older copy of the whole database:
keep the head that `verify` prints outside.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, RowMapping, Text, insert, select, type_coerce, update

from syncd.ledger import codec, tables
from syncd.ledger.tables import audit_event, iso
from syncd.model import AuditEvent

NO_SEAL = ""


@dataclass(frozen=True, slots=True)
class Verification:
    """What a walk along the whole chain found.

    Attributes:
        events: Events that are there.
        first_bad: The number of the first one that is missing, changed or not ours.
        head: The last seal, to be kept outside.
    """

    events: int
    ok: bool
    first_bad: int | None
    head: str


def canonical(event: AuditEvent) -> bytes:
    """What is sealed: every field but the seal, in one spelling."""
    values = {
        "number": event.number,
        "kind": event.kind,
        "at": iso(event.at),
        "actor": event.actor,
        "detail": event.detail,
        "sync": event.sync,
        "audience": event.audience,
        "run": event.run,
        "plan": event.plan,
        "counts": dict(event.counts),
    }
    return codec.canonical(values).encode()


def seal(key: bytes, previous: str, event: AuditEvent) -> str:
    """An event's seal, hex: HMAC-SHA256 over the one before and the event.

    Args:
        key: The sub-key `audit`.
        previous: The seal of the event before, "" for the first.
    """
    return hmac.new(key, previous.encode() + canonical(event), sha256).hexdigest()


def head(key: bytes, number: int, last: str) -> str:
    """A mark of where the chain ends, so that a cut at the end shows too."""
    return hmac.new(key, f"head {number} {last}".encode(), sha256).hexdigest()


def append(tx: Connection, key: bytes, event: AuditEvent) -> AuditEvent:
    """Number, seal and write an event; the caller's transaction holds the ledger's row."""
    end = tx.execute(select(tables.ledger.c.audit_number, tables.ledger.c.audit_seal)).one()
    numbered = replace(event, number=end.audit_number + 1)
    sealed = replace(numbered, seal=seal(key, end.audit_seal, numbered))
    tx.execute(
        insert(audit_event).values(
            number=sealed.number,
            kind=sealed.kind,
            at=sealed.at,
            actor=sealed.actor,
            detail=sealed.detail,
            sync=sealed.sync,
            audience=sealed.audience,
            run=sealed.run,
            plan=sealed.plan,
            counts=codec.canonical(dict(sealed.counts)),
            seal=sealed.seal,
        )
    )
    tx.execute(
        update(tables.ledger).values(
            audit_number=sealed.number,
            audit_seal=sealed.seal,
            audit_head=head(key, sealed.number, sealed.seal),
        )
    )
    return sealed


def events(
    tx: Connection,
    *,
    since: datetime | None,
    sync: str | None,
    kind: str | None,
    after: int,
    limit: int,
    newest: bool,
) -> tuple[AuditEvent, ...]:
    """Events in order; the first ones that fit, or the newest."""
    query = select(audit_event).where(audit_event.c.number > after).limit(limit)
    if since is not None:
        query = query.where(audit_event.c.at >= since)
    if sync is not None:
        query = query.where(audit_event.c.sync == sync)
    if kind is not None:
        query = query.where(audit_event.c.kind == kind)
    order = audit_event.c.number
    found = tx.execute(query.order_by(order.desc() if newest else order)).mappings()
    told = tuple(_event(row) for row in found)
    return told[::-1] if newest else told


def verify(tx: Connection, key: bytes) -> Verification:
    """Walk the whole chain, in bounded memory."""
    count, last, first_bad = 0, NO_SEAL, None
    for row in _walk(tx):
        count += 1
        if first_bad is None and not _follows(key, count, last, row):
            first_bad = count
        last = str(row["seal"])
    end = tx.execute(select(tables.ledger)).mappings().one()
    mark = head(key, end["audit_number"], end["audit_seal"])
    # The mark binds the number to the seal, so a chain of another length cannot pass.
    whole = hmac.compare_digest(end["audit_seal"], last) and hmac.compare_digest(
        end["audit_head"], mark
    )
    if first_bad is None and not whole:
        first_bad = count + 1
    return Verification(count, first_bad is None, first_bad, last)


def _follows(key: bytes, number: int, previous: str, row: RowMapping) -> bool:
    try:
        at = datetime.fromisoformat(row["at"])
        event = _event({**row, "at": at})
        expected = seal(key, previous, event)
        spelled = (iso(at), codec.canonical(event.counts)) == (row["at"], row["counts"])
    except (ValueError, TypeError):  # a cell that nothing of ours would write
        return False
    same = hmac.compare_digest(expected.encode(), event.seal.encode())
    return same and spelled and event.number == number


def _walk(tx: Connection) -> Iterator[RowMapping]:
    # Times as they are spelled: an edited one must be a finding, not an exception.
    cells = (type_coerce(c, Text).label("at") if c.name == "at" else c for c in audit_event.c)
    query = select(*cells).order_by(audit_event.c.number)
    yield from tx.execution_options(yield_per=1000).execute(query).mappings()


def _event(row: Mapping[str, Any] | RowMapping) -> AuditEvent:
    return AuditEvent(
        kind=row["kind"],
        at=row["at"],
        actor=row["actor"],
        detail=row["detail"],
        sync=row["sync"],
        audience=row["audience"],
        run=row["run"],
        plan=row["plan"],
        counts=codec.numbers(row["counts"]),
        number=row["number"],
        seal=row["seal"],
    )
