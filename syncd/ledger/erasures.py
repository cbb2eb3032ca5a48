"""Erasures as the ledger keeps them: tombstones for good, and what became of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from syncd.ledger import codec, generations
from syncd.ledger.tables import erased, erasure, plan, tombstone
from syncd.ledger.transactions import Transactions
from syncd.model import AuditEvent, Erased, Erasure, ErasureId, Sizes
from syncd.ports import Clock


class Erasures:
    """The erasures of one ledger; each method is one transaction."""

    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._tx = transactions
        self._clock = clock

    def ask(
        self,
        asked: Erasure,
        stones: Mapping[str, bool],
        accounts: Iterable[Erased],
        *,
        event: AuditEvent,
    ) -> None:
        """Keep a new erasure: from here on the person is kept out, whatever happens.

        Args:
            asked: Its file is on the disk.
            stones: Its tombstones, and whether each decides.
            accounts: Those that will be asked as a whole.
            event: Says that it was asked for.
        """
        with self._tx.write() as tx:
            number = (tx.scalar(select(func.max(erasure.c.number))) or 0) + 1
            tx.execute(
                insert(erasure).values(
                    number=number,
                    id=asked.id,
                    actor=asked.actor,
                    asked_at=asked.asked_at,
                    path=asked.path,
                    checksum=asked.checksum,
                )
            )
            rows = [
                {"erasure": asked.id, "mac": mac, "decides": decides}
                for mac, decides in stones.items()
            ]
            tx.execute(insert(tombstone), rows)
            for each in accounts:
                _put(tx, each)
            self._tx.tell(tx, event)

    def stones(self) -> Mapping[str, bool]:
        """Every tombstone there is, and whether it decides in any erasure."""
        with self._tx.read() as tx:
            found: dict[str, bool] = {}
            for mac, decides in tx.execute(select(tombstone.c.mac, tombstone.c.decides)):
                found[mac] = found.get(mac, False) or decides
            return found

    def all(self) -> tuple[Erasure, ...]:
        """All erasures, the first one first."""
        with self._tx.read() as tx:
            rows = tx.execute(select(erasure).order_by(erasure.c.number)).mappings()
            return tuple(_erasure(row) for row in rows)

    def open(self) -> tuple[Erasure, ...]:
        """Those of whom something is left to do."""
        return tuple(one for one in self.all() if one.closed_at is None)

    def told(self, erasure_id: str) -> tuple[Erased, ...]:
        """What became of an erasure, place by place."""
        with self._tx.read() as tx:
            query = select(erased).where(erased.c.erasure == erasure_id)
            order = (erased.c.platform, erased.c.account, erased.c.audience)
            return tuple(_erased(row) for row in tx.execute(query.order_by(*order)).mappings())

    def reached(self, erasure_id: str, platform: str, account: str, audience: str) -> bool:
        """Whether anything was kept of an erasure in this place."""
        told = self.told(erasure_id)
        return (platform, account, audience) in {
            (one.platform, one.account, one.audience) for one in told
        }

    def tell(self, became: Iterable[Erased], *, event: AuditEvent | None = None) -> None:
        """Keep what became of erasures in some places."""
        with self._tx.write() as tx:
            for each in became:
                _put(tx, each)
            self._tx.tell(tx, event)

    def close(self, closed: Erasure, *, event: AuditEvent) -> None:
        """Say that nothing of a person is left; the digests' file is named no more."""
        with self._tx.write() as tx:
            values = {"closed_at": self._clock.now(), "path": "", "checksum": ""}
            tx.execute(update(erasure).where(erasure.c.id == closed.id).values(**values))
            self._tx.tell(tx, event)

    def oldest_plan(self) -> datetime | None:
        """When the oldest plan was drawn whose files are still needed."""
        with self._tx.read() as tx:
            needed = generations.needed_plans(self._clock.now()).subquery()
            found: datetime | None = tx.scalar(
                select(func.min(plan.c.created_at)).where(plan.c.path.in_(select(needed.c.path)))
            )
            return found

    def sizes(self, platform: str, account: str, audience: str, since: datetime) -> Sizes:
        """Members and identifiers that erasures took out of an audience since then."""
        with self._tx.read() as tx:
            query = select(erased.c.sizes).where(
                erased.c.platform == platform,
                erased.c.account == account,
                erased.c.audience == audience,
                erased.c.removed_at >= since,
            )
            stored = [codec.sizes(text) for text in tx.scalars(query)]
        identifiers = Counter[str]()
        for sizes in stored:
            identifiers.update(sizes.identifiers)
        return Sizes(sum(sizes.members for sizes in stored), dict(identifiers))


def _put(tx: Connection, became: Erased) -> None:
    place = {
        "erasure": became.erasure,
        "platform": became.platform,
        "account": became.account,
        "audience": became.audience,
    }
    same = [erased.c[name] == value for name, value in place.items()]
    tx.execute(delete(erased).where(*same))
    tx.execute(
        insert(erased).values(
            **place,
            name=became.name,
            sizes=codec.sizes_text(became.sizes),
            shared=became.shared,
            removed_at=became.removed_at,
            confirmed_at=became.confirmed_at,
            purged_at=became.purged_at,
            requests=codec.canonical(list(became.requests)),
            trouble=became.trouble,
        )
    )


def _erasure(row: RowMapping) -> Erasure:
    return Erasure(
        ErasureId(row["id"]),
        row["actor"],
        row["asked_at"],
        row["closed_at"],
        row["path"],
        row["checksum"],
    )


def _erased(row: RowMapping) -> Erased:
    return Erased(
        ErasureId(row["erasure"]),
        row["platform"],
        row["account"],
        row["audience"],
        row["name"],
        codec.sizes(row["sizes"]),
        row["shared"],
        row["removed_at"],
        row["confirmed_at"],
        row["purged_at"],
        codec.texts(row["requests"]),
        row["trouble"],
    )
