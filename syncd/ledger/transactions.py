"""The ledger's transactions: one writer at a time, events with their changes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from sqlalchemy import Connection, Engine, select, update

from syncd.ledger import audiences, audit
from syncd.ledger.engine import reading, writing
from syncd.ledger.tables import ledger
from syncd.model import AuditEvent

# On PostgreSQL this row is what BEGIN IMMEDIATE is to SQLite: one writer at a time, without
# which the audit's numbers would have gaps or twins.
_ALONE = select(ledger.c.id).with_for_update()


class Stamp(NamedTuple):
    """Which ledger it is and how far it has come; counts plans and generations."""

    ledger_id: str
    counter: int


@dataclass(frozen=True, slots=True)
class Transactions:
    """Opens them on one engine; may be shared by threads."""

    engine: Engine
    audit_key: bytes = field(repr=False)
    # The database gives up a writer that waits for 5 s, whoever came first. Threads of this
    # process wait for each other here, so that those 5 s are for other processes.
    _turn: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """See one moment, change nothing."""
        with reading(self.engine) as tx:
            yield tx

    @contextmanager
    def of(self, platform: str, account: str, audience: str) -> Iterator[tuple[Connection, int]]:
        """Read of one audience; an unknown one has a number that no row has."""
        with reading(self.engine) as tx:
            found = audiences.known(tx, platform, account, audience)
            yield tx, -1 if found is None else found.pk

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Change something; committed if the block ends well, else not at all."""
        with self._turn, writing(self.engine) as tx:
            if self.engine.dialect.name == "postgresql":
                tx.execute(_ALONE)
            yield tx

    def tell(
        self, tx: Connection, event: AuditEvent | None, *, run: str = "", plan: str = ""
    ) -> None:
        """Write a change's event, with the run and plan it does not name itself."""
        if event is not None:
            filled = replace(event, run=event.run or run, plan=event.plan or plan)
            audit.append(tx, self.audit_key, filled)


def advance(tx: Connection) -> None:
    """Count one step that the directory must follow."""
    tx.execute(update(ledger).values(counter=ledger.c.counter + 1))
