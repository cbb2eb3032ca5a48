"""What people are told of: what is open, and the outbox of the messages about it.

That an alert is open or over, its notice, and a row for each target that is to have the
notice are written in one transaction: no change goes without its message, and no message
without its change.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, RowMapping, Select, func, insert, select, update

from syncd.ledger.tables import alert, delivery, notice
from syncd.ledger.transactions import Transactions

Turn = Literal["opened", "recovered"]


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that a person should know of.

    Attributes:
        subject: What it is about: "sync NAME", "account NAME", "erasure ID".
        condition: Its constant name.
        closed_at: When it was over; None as long as it is open.
        said: What there is and what to do, in sentences, as when it was opened.
    """

    number: int
    subject: str
    condition: str
    opened_at: datetime
    closed_at: datetime | None
    said: str


@dataclass(frozen=True, slots=True)
class Change:
    """An alert that is new, or over.

    Attributes:
        id: Of the notice; a receiver tells doubles by it.
        said: The message, in sentences.
    """

    id: str
    subject: str
    condition: str
    turn: Turn
    said: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A message as it goes out; the same each time it is sent."""

    number: int
    id: str
    subject: str
    condition: str
    turn: Turn
    at: datetime
    said: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """A notice on its way to one target.

    Attributes:
        due_at: When it is tried next, or was last.
        ended_at: When it was sent or given up.
        code: What the last attempt met; "" if it was taken, or there was none.
    """

    notice: Notice
    target: str
    state: Literal["waiting", "sent", "given up"]
    attempts: int
    due_at: datetime
    ended_at: datetime | None
    code: str


class Alerts:
    """The alerts of one ledger; each method is one transaction.

    Attributes:
        turn: Held by the thread that compares what is so with what was told.
        sending: Held by the thread that sends.
    """

    def __init__(self, transactions: Transactions) -> None:
        self._tx = transactions
        self.turn = threading.Lock()
        self.sending = threading.Lock()

    def open(self) -> tuple[Alert, ...]:
        """What is open, the oldest first."""
        query = select(alert).where(alert.c.closed_at.is_(None)).order_by(alert.c.number)
        with self._tx.read() as tx:
            return tuple(_alert(row) for row in tx.execute(query).mappings())

    def keep(self, changes: Iterable[Change], *, targets: Sequence[str], now: datetime) -> int:
        """Open and close alerts, each with its notice to all targets.

        What is open already, or over already, is left as it is and told nobody.

        Returns:
            How many changed.
        """
        with self._tx.write() as tx:
            return sum(_keep(tx, one, targets, now) for one in changes)

    def waiting(self, target: str) -> tuple[Delivery, ...]:
        """What waits for a target, due or not, in the order in which it happened."""
        query = _deliveries().where(delivery.c.target == target, delivery.c.state == "waiting")
        with self._tx.read() as tx:
            return _read(tx, query.order_by(notice.c.number))

    def backlog(self) -> dict[tuple[str, str], int]:
        """How many deliveries wait or were given up, by target and state."""
        query = (
            select(delivery.c.target, delivery.c.state, func.count())
            .where(delivery.c.state != "sent")
            .group_by(delivery.c.target, delivery.c.state)
        )
        with self._tx.read() as tx:
            return {(target, state): count for target, state, count in tx.execute(query)}

    def next_at(self) -> datetime | None:
        """When the next delivery is due; None if none waits."""
        query = select(func.min(delivery.c.due_at)).where(delivery.c.state == "waiting")
        with self._tx.read() as tx:
            found: datetime | None = tx.scalar(query)
            return found

    def deliveries(self, limit: int = 50) -> tuple[Delivery, ...]:
        """The deliveries of the last notices, the newest first."""
        last = select(notice.c.number).order_by(notice.c.number.desc()).limit(limit)
        query = _deliveries().where(notice.c.number.in_(last))
        with self._tx.read() as tx:
            return _read(tx, query.order_by(notice.c.number.desc(), delivery.c.target))

    def sent(self, of: Delivery, now: datetime) -> None:
        """Note that a target took a notice."""
        self._set(of, state="sent", attempts=of.attempts + 1, ended_at=now, code="")

    def put_off(self, of: Delivery, *, until: datetime, code: str) -> None:
        """Note that a target did not take a notice, and when it is tried again."""
        self._set(of, attempts=of.attempts + 1, due_at=until, code=code)

    def give_up(self, of: Delivery, now: datetime, *, code: str) -> None:
        """Note that a notice is tried no more."""
        self._set(of, state="given up", attempts=of.attempts + 1, ended_at=now, code=code)

    def _set(self, of: Delivery, **values: datetime | str | int) -> None:
        one = (delivery.c.notice == of.notice.number) & (delivery.c.target == of.target)
        with self._tx.write() as tx:
            tx.execute(update(delivery).where(one).values(**values))


def _keep(tx: Connection, change: Change, targets: Sequence[str], now: datetime) -> bool:
    """Whether it was a change."""
    of = (alert.c.subject == change.subject) & (alert.c.condition == change.condition)
    found = tx.scalar(select(alert.c.number).where(of, alert.c.closed_at.is_(None)))
    if (found is not None) == (change.turn == "opened"):
        return False
    if found is None:
        found = (tx.scalar(select(func.max(alert.c.number))) or 0) + 1
        values = {"subject": change.subject, "condition": change.condition, "said": change.said}
        tx.execute(insert(alert).values(number=found, opened_at=now, **values))
    else:
        tx.execute(update(alert).where(alert.c.number == found).values(closed_at=now))
    number = (tx.scalar(select(func.max(notice.c.number))) or 0) + 1
    told = {"id": change.id, "alert": found, "change": change.turn, "said": change.said}
    tx.execute(insert(notice).values(number=number, at=now, **told))
    for target in targets:
        first = {"state": "waiting", "attempts": 0, "due_at": now, "code": ""}
        tx.execute(insert(delivery).values(notice=number, target=target, **first))
    return True


def _deliveries() -> Select[*tuple[object, ...]]:
    return (
        select(
            delivery.c.target,
            delivery.c.state,
            delivery.c.attempts,
            delivery.c.due_at,
            delivery.c.ended_at,
            delivery.c.code,
            notice.c.number,
            notice.c.id,
            notice.c.change,
            notice.c.at,
            notice.c.said,
            alert.c.subject,
            alert.c.condition,
        )
        .join(notice, notice.c.number == delivery.c.notice)
        .join(alert, alert.c.number == notice.c.alert)
    )


def _read(tx: Connection, query: Select[*tuple[object, ...]]) -> tuple[Delivery, ...]:
    return tuple(_delivery(row) for row in tx.execute(query).mappings())


def _delivery(row: RowMapping) -> Delivery:
    told = Notice(
        number=row["number"],
        id=row["id"],
        subject=row["subject"],
        condition=row["condition"],
        turn=row["change"],
        at=row["at"],
        said=row["said"],
    )
    return Delivery(
        notice=told,
        target=row["target"],
        state=row["state"],
        attempts=row["attempts"],
        due_at=row["due_at"],
        ended_at=row["ended_at"],
        code=row["code"],
    )


def _alert(row: RowMapping) -> Alert:
    return Alert(
        number=row["number"],
        subject=row["subject"],
        condition=row["condition"],
        opened_at=row["opened_at"],
        closed_at=row["closed_at"],
        said=row["said"],
    )
