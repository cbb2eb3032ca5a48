"""What a local platform holds: audiences, each in two views, of one world.

An identifier is `(kind, text)`: the kind `email`, `phone` or `address`, the text its
digest in hex, or for an address its four cells as the platform received them, joined
by `|` (given name, family name, postcode, country).
"""

from __future__ import annotations

import itertools
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

Identifier = tuple[str, str]
Row = frozenset[Identifier]

LONG_AGO = datetime.min.replace(tzinfo=UTC)
REPLACED_WITHIN = timedelta(minutes=90)  # from its first batch; Meta's Customer File guide


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Replacement:
    """One session that drops everyone and loads its rows.

    Attributes:
        session: Its name.
        received: Rows that came in it, however often.
        whole: Its last batch came.
    """

    session: str
    began: datetime
    received: int = 0
    whole: bool = False
    state: Literal["running", "done", "failed"] = "running"

    def look(self, now: datetime) -> Literal["running", "done", "failed"]:
        """How it is now: one that has not ended in time ends by itself."""
        if self.state == "running" and now - self.began >= REPLACED_WITHIN:
            self.state = "done" if self.whole else "failed"
        return self.state


class AudienceState:
    """One audience, kept in two views from the same requests; safe between threads.

    View 1, `identifiers`: a set. An addition puts in the identifiers of its rows, a
    removal takes out exactly those that it names.

    View 2, `persons`: disjoint sets of identifiers. An added row and every person it
    shares an identifier with become one person. A removed row takes out, whole and for
    good, every person it shares an identifier with. Real platforms do this: they match
    people, not digests.

    Attributes:
        id: As the platform names it.
        account: The account it belongs to, as the platform names that.
        ever_filled: Whether a row was ever added.
        replacement: The last one, if any.
        about: What the platform states of it, where that is to be unusual.
        told: What was last said beside an identifier, by the platform's key.
    """

    def __init__(self, audience_id: str, name: str, account: str) -> None:
        self.id = audience_id
        self.name = name
        self.account = account
        self.ever_filled = False
        self.replacement: Replacement | None = None
        self.about: dict[str, object] = {}
        self.told: dict[Identifier, Mapping[str, object]] = {}
        self._lock = threading.Lock()
        self._identifiers: set[Identifier] = set()
        self._persons: dict[int, set[Identifier]] = {}
        self._owner: dict[Identifier, int] = {}
        self._added: dict[Identifier, datetime] = {}
        self._numbers = itertools.count()

    def add(self, rows: Iterable[Row], *, at: datetime = LONG_AGO) -> None:
        """Put rows in, one after the other; `at` is when the platform was asked to."""
        with self._lock:
            for row in rows:
                _check(row)
                self.ever_filled = True
                self._identifiers |= row
                self._merge(row)
                self._added.update({one: max(at, self._added.get(one, at)) for one in row})

    def remove(self, rows: Iterable[Row]) -> None:
        """Take rows out, one after the other."""
        with self._lock:
            for row in rows:
                _check(row)
                self._identifiers -= row
                self._forget(row)

    def cut(self, before: datetime) -> None:
        """Take out identifiers, and persons with all of theirs, last added before then."""
        with self._lock:
            old = {one for one, at in self._added.items() if at < before}
            self._identifiers -= old
            for number, person in tuple(self._persons.items()):
                if person <= old:
                    for one in self._persons.pop(number):
                        del self._owner[one]

    def clear(self) -> None:
        """Take everybody out; `ever_filled` stays."""
        with self._lock:
            self._identifiers.clear()
            self._persons.clear()
            self._owner.clear()
            self._added.clear()

    def replace(self, session: str, now: datetime) -> Replacement:
        """Begin to be replaced: everybody is out."""
        self.clear()
        self.replacement = Replacement(session, now)
        return self.replacement

    def replacing(self, now: datetime) -> Literal["running", "done", "failed"]:
        """How the last replacement is; `done` also where there was none."""
        return self.replacement.look(now) if self.replacement else "done"

    @property
    def identifiers(self) -> frozenset[Identifier]:
        """View 1: the identifiers held."""
        with self._lock:
            return frozenset(self._identifiers)

    @property
    def persons(self) -> frozenset[Row]:
        """View 2: the persons held, each with its identifiers."""
        with self._lock:
            return frozenset(frozenset(person) for person in self._persons.values())

    @property
    def size(self) -> int:
        """How many persons are held."""
        with self._lock:
            return len(self._persons)

    def __repr__(self) -> str:
        return f"AudienceState(id={self.id!r}, size={self.size})"

    def _touched(self, row: Row) -> set[int]:
        return {self._owner[one] for one in row if one in self._owner}

    def _merge(self, row: Row) -> None:
        touched = self._touched(row)
        # The largest person takes in the others, so that a history costs n log n.
        number = max(touched, key=lambda one: len(self._persons[one]), default=None)
        if number is None:
            number = next(self._numbers)
            self._persons[number] = set()
        joined = set(row).union(*(self._persons.pop(one) for one in touched - {number}))
        self._persons[number] |= joined
        self._owner.update(dict.fromkeys(joined, number))

    def _forget(self, row: Row) -> None:
        for number in self._touched(row):
            for one in self._persons.pop(number):
                del self._owner[one]


def _check(row: Row) -> None:
    if not row:
        raise ValueError("a row must hold at least one identifier")


class World:
    """One platform's accounts with their audiences; safe between threads.

    Attributes:
        requests: Requests served, by a name that the platform gives them.
        rows: Rows received, by the same names.
        now: Its clock.
        about: By account, what the platform states of it, where that is to be unusual.
    """

    def __init__(self, *, first_id: int = 1) -> None:
        self.now: Callable[[], datetime] = _now
        self.about: defaultdict[str, dict[str, object]] = defaultdict(dict)
        self._lock = threading.Lock()
        self._ids = itertools.count(first_id)
        self._audiences: dict[str, AudienceState] = {}
        self._requests: Counter[str] = Counter()
        self._rows: Counter[str] = Counter()

    def create(self, account: str, name: str) -> AudienceState:
        """Make an empty audience; names may repeat, as they may on real platforms."""
        with self._lock:
            made = AudienceState(str(next(self._ids)), name, account)
            self._audiences[made.id] = made
            return made

    def get(self, audience_id: str) -> AudienceState | None:
        """The audience with this id, or None."""
        with self._lock:
            return self._audiences.get(audience_id)

    def delete(self, audience_id: str) -> bool:
        """Let an audience vanish, as if another tool had deleted it; False if unknown."""
        with self._lock:
            return self._audiences.pop(audience_id, None) is not None

    def audiences(self, account: str | None = None) -> tuple[AudienceState, ...]:
        """The audiences of an account, or of all, oldest first."""
        with self._lock:
            return tuple(one for one in self._audiences.values() if account in (None, one.account))

    def named(self, account: str, name: str) -> tuple[AudienceState, ...]:
        """The audiences of an account with exactly this name, oldest first."""
        return tuple(one for one in self.audiences(account) if one.name == name)

    def count(self, request: str, *, rows: int = 0) -> None:
        """Count a request served and its rows."""
        with self._lock:
            self._requests[request] += 1
            self._rows[request] += rows

    @property
    def requests(self) -> Mapping[str, int]:
        """Requests served so far; a copy."""
        with self._lock:
            return Counter(self._requests)

    @property
    def rows(self) -> Mapping[str, int]:
        """Rows received so far; a copy."""
        with self._lock:
            return Counter(self._rows)
