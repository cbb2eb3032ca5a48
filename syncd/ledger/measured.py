"""What platforms stated of audiences' sizes and match rates, kept as a history."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import RowMapping, Select, insert, select

from syncd.ledger import audiences
from syncd.ledger.tables import size
from syncd.ledger.transactions import Transactions
from syncd.model import MatchRate, Measured


class Measurements:
    """The sizes of one ledger's audiences; each method is one transaction."""

    def __init__(self, transactions: Transactions) -> None:
        self._tx = transactions

    def add(self, platform: str, account: str, audience: str, measured: Measured) -> None:
        """Keep what was stated of an audience that a sync claimed before."""
        with self._tx.write() as tx:
            pk = audiences.needed(tx, platform, account, audience).pk
            tx.execute(
                insert(size).values(
                    audience=pk,
                    run=measured.run,
                    at=measured.at,
                    members=measured.members,
                    least=measured.least,
                    most=measured.most,
                    status=measured.status,
                    warning=measured.warning,
                    foreign=measured.foreign,
                    matched_least=measured.matched.least if measured.matched else None,
                    matched_most=measured.matched.most if measured.matched else None,
                )
            )

    def of(
        self, platform: str, account: str, audience: str, limit: int = 1
    ) -> tuple[Measured, ...]:
        """The last that was stated of an audience, the newest first."""
        with self._tx.of(platform, account, audience) as (tx, pk):
            query = select(size).where(size.c.audience == pk)
            return read(tx.execute(_newest(query, limit)).mappings())

    def of_run(self, run: str) -> Measured | None:
        """What was stated after a run."""
        with self._tx.read() as tx:
            found = tx.execute(_newest(select(size).where(size.c.run == run), 1)).mappings()
            return next(iter(read(found)), None)


def _newest(query: Select[tuple[object, ...]], limit: int) -> Select[tuple[object, ...]]:
    return query.order_by(size.c.number.desc()).limit(limit)


def read(rows: Iterable[RowMapping]) -> tuple[Measured, ...]:
    """What was stated, from its rows."""
    return tuple(
        Measured(
            at=row["at"],
            run=row["run"],
            members=row["members"],
            least=row["least"],
            most=row["most"],
            status=row["status"],
            warning=row["warning"],
            foreign=row["foreign"],
            matched=_rate(row["matched_least"], row["matched_most"]),
        )
        for row in rows
    )


def _rate(least: int | None, most: int | None) -> MatchRate | None:
    return None if least is None or most is None else MatchRate(least, most)
