"""What the files of a dead process say: who may be on the platform, and who certainly is.

Read from a copy, for to open a ledger is to mend it, and the next process must find the
files as they lay there.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from connectors.memory import row_identifiers
from connectors.sandbox.state import Identifier
from syncd.ledger.opening import open_ledger
from syncd.ledger.store import Ledger
from syncd.membership.layers import open_generation
from syncd.membership.store import FileMembership
from syncd.model import BatchRecord, BatchState, Generation, Operation
from tests.integration.ledger_databases import KEY, Hands
from tests.integration.names import CERTAIN, number, sent, states

SYNC = "everyone"
_TAKEN = {BatchState.ACCEPTED, BatchState.PROCESSED, BatchState.SETTLED}


@dataclass
class Beliefs:
    """What a ledger and its files say of one audience.

    Attributes:
        possible: Ever sent and not settled out: must hold all who are on the platform.
        certain: Accepted and not taken out since: must all be on the platform.
        attempts: Requests that were intended.
        unfinished: Batches whose outcome is not known.
        batches: All there ever were: id and phase.
        rows: As sent: what stands in one row the platform may have joined into a person.
    """

    possible: set[Identifier] = field(default_factory=set)
    certain: set[Identifier] = field(default_factory=set)
    attempts: int = 0
    unfinished: int = 0
    chain: bool = True
    batches: list[tuple[str, str]] = field(default_factory=list)
    rows: list[frozenset[Identifier]] = field(default_factory=list)

    def take_out(self, row: frozenset[Identifier]) -> None:
        """Nobody joined to it through rows as sent is certain any more."""
        touched, before = set(row), 0
        while len(touched) > before:
            before = len(touched)
            touched.update(*(one for one in self.rows if one & touched))
        self.certain -= touched


def read(var: Path) -> Beliefs:
    """The beliefs that lie in a ledger's directory; those of nobody before there is a ledger."""
    if not _made(var / "ledger.db"):
        return Beliefs()
    with tempfile.TemporaryDirectory(prefix="syncd-") as parent:
        copied = shutil.copytree(var, Path(parent) / "var")
        url = f"sqlite:///{copied / 'ledger.db'}"
        ledger = open_ledger(url, password=None, key=KEY, clock=Hands())
        try:
            found = _read(ledger, FileMembership(copied, key=KEY.derive("files")), copied)
        finally:
            ledger.close()
        found.attempts = attempts(copied / "ledger.db")
        found.batches = _batches(copied / "ledger.db")
        return found


def attempts(ledger: Path) -> int:
    """How many requests were ever intended."""
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as opened:
        return int(opened.execute("SELECT count(*) FROM attempt").fetchone()[0])


def _batches(ledger: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(ledger)) as opened:
        return list(opened.execute("SELECT id, phase FROM batch"))


def intended(ledger: Path) -> list[str]:
    """The phases of batches being sent right now, each by a running attempt."""
    query = (
        "SELECT phase FROM batch JOIN attempt ON attempt.batch = batch.id "
        "AND attempt.number = batch.attempts "
        "WHERE batch.state = 'sending' AND attempt.ended_at IS NULL"
    )
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as opened:
        return [phase for (phase,) in opened.execute(query)]


def _made(ledger: Path) -> bool:
    """Whether its first migration was committed."""
    if not ledger.exists():
        return False
    with tempfile.TemporaryDirectory(prefix="syncd-") as parent:
        for path in ledger.parent.glob(f"{ledger.name}*"):
            shutil.copy(path, parent)
        with closing(sqlite3.connect(Path(parent) / ledger.name)) as opened:
            query = "SELECT count(*) FROM sqlite_master WHERE name = 'ledger'"
            return bool(opened.execute(query).fetchone()[0])


def _read(ledger: Ledger, membership: FileMembership, var: Path) -> Beliefs:
    found = Beliefs(chain=ledger.verify().ok)
    known = ledger.audience_of(SYNC)
    if known is None:
        return found
    at = (known.platform, known.account, known.id)
    generation = ledger.generation(*at)
    if generation is not None:
        _take_generation(found, var, generation)
    for batch in ledger.unfolded(*at):
        plan = ledger.plan(batch.plan)
        assert plan is not None
        with membership.open(plan) as file:
            _take_batch(found, batch, row_identifiers(file.of(batch)))
    found.unfinished = len(ledger.unfinished(*at))
    return found


def _take_generation(found: Beliefs, var: Path, generation: Generation) -> None:
    with open_generation(var, generation, key=KEY.derive("files")) as file:
        known, rows = states(file), sent(file)
    found.rows += rows
    for one in frozenset().union(*rows):
        if (state := known.get(number(one))) is not None:
            found.possible.add(one)
            if state == CERTAIN:
                found.certain.add(one)


def _take_batch(found: Beliefs, batch: BatchRecord, rows: Sequence[frozenset[Identifier]]) -> None:
    """Whatever became of it: a sent addition is possible, a sent removal leaves doubt."""
    for row in rows:
        if batch.phase.operation is Operation.REMOVE:
            found.take_out(row)
            continue
        found.rows.append(row)
        found.possible |= row
        if batch.state in _TAKEN:
            found.certain |= row
