"""Where the process of a world dies: around a commit of its ledger, or around a push."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy import Connection, Dialect, Engine

from syncd.ledger.transactions import Transactions

When = Literal["before", "after"]


class Died(BaseException):
    """The process ended here; nothing in syncd may catch it."""


@dataclass(frozen=True)
class Death:
    """Where the process dies: around the Nth commit or push of a run, from 1."""

    what: Literal["commit", "push"]
    number: int
    when: When


@dataclass
class Wire:
    """Counts commits and pushes of a run, and kills its process at one of them.

    Attributes:
        passing: Called at every point that is passed alive.
        dead: It was killed.
        drops: What it had on its way arrives no more.
    """

    death: Death | None = None
    passing: Callable[[Death], None] | None = None
    dead: bool = False
    drops: bool = False
    counts: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def around(self, what: Literal["commit", "push"]) -> Iterator[None]:
        self.counts[what] += 1
        number = self.counts[what]
        self._at(Death(what, number, "before"))
        yield
        self._at(Death(what, number, "after"))

    def _at(self, point: Death) -> None:
        if self.death == point or self.drops:
            self.dead = True
            raise Died
        if self.passing is not None:
            self.passing(point)


@dataclass(frozen=True)
class MortalTransactions(Transactions):
    """The ledger's own transactions, around which a process may die."""

    wire: Wire = field(default_factory=Wire)

    def __post_init__(self) -> None:
        compile_once(self.engine)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with self.wire.around("commit"), Transactions.write(self) as tx:
            yield tx


_compiled: dict[object, object] = {}
_dialects: dict[str, Dialect] = {}


def compile_once(engine: Engine) -> None:
    """Let ledgers share their compiled statements: each new one would begin without any.

    A process has one ledger and compiles each statement once; a test opens hundreds.
    """
    if engine.dialect.name != "sqlite":  # a server's says what it found at its first connection
        return
    engine.dialect = _dialects.setdefault(engine.dialect.name, engine.dialect)
    engine.update_execution_options(compiled_cache=_compiled)
