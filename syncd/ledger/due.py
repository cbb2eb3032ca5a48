"""When syncs last began by their schedule, and when they are due next."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, insert, select

from syncd.ledger.tables import due
from syncd.ledger.transactions import Transactions


class Due(NamedTuple):
    """What is kept of a sync; a time that is not there is None.

    Attributes:
        schedule: What `at` was reckoned by, as text: another one makes it void.
        begun: When its last run began that the daemon made: by its schedule, or asked for.
        at: When it is due next.
    """

    schedule: str
    begun: datetime | None
    at: datetime | None


class DueTimes:
    """The due times of one ledger; each method is one transaction."""

    def __init__(self, transactions: Transactions) -> None:
        self._tx = transactions

    def every(self) -> dict[str, Due]:
        """What is kept, by the sync's name; also of syncs that are not configured any more."""
        query = select(due.c.sync, due.c.schedule, due.c.begun_at, due.c.due_at)
        with self._tx.read() as tx:
            rows = tx.execute(query).all()
        return {row.sync: Due(row.schedule, row.begun_at, row.due_at) for row in rows}

    def keep(self, sync: str, found: Due) -> None:
        """Keep what is known of a sync, in place of what was.

        A run that has begun stays due until it ends: whoever starts after a kill finds it.
        """
        with self._tx.write() as tx:
            tx.execute(delete(due).where(due.c.sync == sync))
            tx.execute(
                insert(due).values(
                    sync=sync, schedule=found.schedule, begun_at=found.begun, due_at=found.at
                )
            )
