"""What the shop said of the segments in use, kept as a history; of pairs the newest alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
)

from syncd.ledger.tables import Instant, metadata
from syncd.ledger.transactions import Transactions
from syncd.model import AuditEvent
from syncd.model.surveys import Counted, LiftFound, Survey, Together

survey = Table(
    "survey",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("ended_at", Instant, nullable=False),
    Column("since", Instant, nullable=False),
    Column("customers", BigInteger),
    Column("buyers", BigInteger),
    Column("revenue", BigInteger),
    Column("trouble", Text, nullable=False),
)

surveyed = Table(
    "surveyed",
    metadata,
    Column("survey", Integer, ForeignKey("survey.number", name="fk_surveyed"), primary_key=True),
    Column("segment", Text, primary_key=True),
    Column("members", BigInteger),
    Column("buyers", BigInteger),
    Column("revenue", BigInteger),
    Column("trouble", Text, nullable=False),
    Index("ix_surveyed_segment", "segment", "survey"),
)

surveyed_pair = Table(
    "surveyed_pair",
    metadata,
    Column(
        "survey", Integer, ForeignKey("survey.number", name="fk_surveyed_pair"), primary_key=True
    ),
    Column("one", Text, primary_key=True),
    Column("other", Text, primary_key=True),
    Column("both", BigInteger, nullable=False),
)

# `figures` is a `syncd.worth.lifting.Lifted` as JSON: counts, sums and intervals.
surveyed_lift = Table(
    "surveyed_lift",
    metadata,
    Column(
        "survey", Integer, ForeignKey("survey.number", name="fk_surveyed_lift"), primary_key=True
    ),
    Column("segment", Text, primary_key=True),
    Column("figures", Text, nullable=False),
    Column("trouble", Text, nullable=False),
)


class Surveys:
    """The surveys of one ledger; each method is one transaction."""

    def __init__(self, transactions: Transactions) -> None:
        self._tx = transactions

    def add(self, found: Survey, *, event: AuditEvent) -> None:
        """Keep a survey; its pairs take the place of those before, if it has any."""
        with self._tx.write() as tx:
            number = (tx.scalar(select(func.max(survey.c.number))) or 0) + 1
            tx.execute(
                insert(survey).values(
                    number=number,
                    at=found.at,
                    ended_at=found.ended_at,
                    since=found.since,
                    customers=found.customers,
                    buyers=found.buyers,
                    revenue=found.revenue,
                    trouble=found.trouble,
                )
            )
            if found.pairs:
                tx.execute(delete(surveyed_pair))
            for table, rows in _parts(found):
                if rows:
                    tx.execute(insert(table), [{"survey": number, **row} for row in rows])
            self._tx.tell(tx, event)

    def latest(self) -> Survey | None:
        """The newest survey; its pairs are there if it has any."""
        with self._tx.read() as tx:
            return latest(tx)


def _parts(found: Survey) -> Iterator[tuple[Table, list[dict[str, object]]]]:
    """A survey's rows by table; their columns are called as their attributes."""
    yield surveyed, [asdict(each) for each in found.segments]
    yield surveyed_pair, [asdict(each) for each in found.pairs]
    yield surveyed_lift, [asdict(each) for each in found.lifts]


def latest(tx: Connection) -> Survey | None:
    """The newest survey."""
    number = tx.scalar(select(func.max(survey.c.number)))
    return None if number is None else one(tx, number)


def one(tx: Connection, number: int) -> Survey:
    """A survey that is there."""
    row = tx.execute(select(survey).where(survey.c.number == number)).mappings().one()
    segments = tx.execute(
        select(surveyed).where(surveyed.c.survey == number).order_by(surveyed.c.segment)
    ).mappings()
    pairs = tx.execute(
        select(surveyed_pair)
        .where(surveyed_pair.c.survey == number)
        .order_by(surveyed_pair.c.one, surveyed_pair.c.other)
    ).mappings()
    lifts = tx.execute(
        select(surveyed_lift)
        .where(surveyed_lift.c.survey == number)
        .order_by(surveyed_lift.c.segment)
    ).mappings()
    return Survey(
        at=row["at"],
        ended_at=row["ended_at"],
        since=row["since"],
        customers=row["customers"],
        buyers=row["buyers"],
        revenue=row["revenue"],
        trouble=row["trouble"],
        segments=tuple(
            Counted(
                each["segment"], each["members"], each["buyers"], each["revenue"], each["trouble"]
            )
            for each in segments
        ),
        pairs=tuple(Together(each["one"], each["other"], each["both"]) for each in pairs),
        lifts=tuple(LiftFound(each["segment"], each["figures"], each["trouble"]) for each in lifts),
        number=number,
    )


def with_pairs(tx: Connection) -> Survey | None:
    """The newest survey that counted at least two segments: whose pairs are kept."""
    number = tx.scalar(select(func.max(surveyed_pair.c.survey)))
    return None if number is None else one(tx, number)


def last_counted(tx: Connection) -> dict[str, Survey]:
    """By segment, the newest survey that counted it."""
    found = tx.execute(
        select(surveyed.c.segment, func.max(surveyed.c.survey))
        .where(surveyed.c.members.is_not(None))
        .group_by(surveyed.c.segment)
    )
    numbers = {segment: int(number) for segment, number in found}
    known = {number: one(tx, number) for number in set(numbers.values())}
    return {segment: known[number] for segment, number in numbers.items()}


def last_lifted(tx: Connection) -> dict[str, LiftFound]:
    """By segment, the newest comparison that came to something."""
    newest = (
        select(surveyed_lift.c.segment, func.max(surveyed_lift.c.survey).label("survey"))
        .where(surveyed_lift.c.figures != "")
        .group_by(surveyed_lift.c.segment)
        .subquery()
    )
    found = tx.execute(
        select(surveyed_lift).join(
            newest,
            (surveyed_lift.c.segment == newest.c.segment)
            & (surveyed_lift.c.survey == newest.c.survey),
        )
    ).mappings()
    return {each["segment"]: LiftFound(each["segment"], each["figures"], "") for each in found}


def sizes_after(tx: Connection, number: int) -> Iterator[tuple[int, str, datetime, int]]:
    """Segments that were counted by surveys after one: the survey, which, when, how many."""
    query = (
        select(survey.c.number, surveyed.c.segment, survey.c.at, surveyed.c.members)
        .join(surveyed, surveyed.c.survey == survey.c.number)
        .where(survey.c.number > number, surveyed.c.members.is_not(None))
        .order_by(survey.c.number, surveyed.c.segment)
    )
    for at_number, segment, at, members in tx.execute(query):
        yield int(at_number), segment, at, int(members)
