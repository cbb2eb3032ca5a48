"""A memory platform that takes several requests at once, and who decides what befalls each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import cast

from syncd.model import Account, Advice, Batch, Operation, Receipt
from syncd.ports import Connector, Platform, Upload
from syncd.runs.flight import Flight, K, T, called
from syncd.runs.lanes import Leg
from tests.integration.deaths import Died
from tests.integration.memory_worlds import MemoryWorlds, memory_world
from tests.integration.through import Through

IN_FLIGHT = 4
Befall = Callable[[Batch, Callable[[], Receipt]], Receipt]


@dataclass(frozen=True)
class BefallenUpload:
    """A platform's upload, between whose requests and us something stands."""

    inner: Upload
    connector: BefallenConnector

    @property
    def label(self) -> str:
        return self.inner.label

    def push(self, batch: Batch, *, last: bool) -> Receipt:
        self.connector.last[:] = [number_of(batch)]
        return self.connector.befall(batch, lambda: self.inner.push(batch, last=last))


@dataclass(frozen=True)
class BefallenConnector(Through):
    """A platform's connector; likewise.

    Attributes:
        advised: What the answer to a batch says beside the matter, by its number.
        last: The number of the batch that it sent last.
    """

    befall: Befall
    advised: Mapping[int, Advice]
    last: list[int] = field(default_factory=list)

    def open(self, audience_id: str, operation: Operation, *, rows: int) -> BefallenUpload:
        return BefallenUpload(self.inner.open(audience_id, operation, rows=rows), self)

    def advice(self) -> Advice:
        return self.advised.get(self.last[0], Advice()) if self.last else Advice()


def taking(
    platform: Platform, in_flight: int, befall: Befall, advised: Mapping[int, Advice]
) -> Platform:
    """The platform, which takes that many requests at once."""

    def connect(account: Account, randbits: Callable[[int], int]) -> Connector:
        return BefallenConnector(platform.connect(account, randbits), befall, advised)

    capabilities = replace(platform.capabilities, in_flight=in_flight, advises=bool(advised))
    return replace(platform, capabilities=capabilities, connect=connect)


@contextmanager
def flying(
    befall: Befall,
    *,
    in_flight: int = IN_FLIGHT,
    advised: Mapping[int, Advice] = MappingProxyType({}),
) -> Iterator[MemoryWorlds]:
    """A world on a memory platform that answers at once and takes several requests at once."""
    with memory_world(later=False) as here:
        here.world.platform = taking(here.world.platform, in_flight, befall, advised)
        yield here


def plainly(_: Batch, push: Callable[[], Receipt]) -> Receipt:
    """Nothing befalls it."""
    return push()


def number_of(batch: Batch) -> int:
    """A batch's place in its plan, from 1."""
    return int(batch.id.rpartition(".")[2])


@dataclass
class Course:
    """In which order requests take effect and are answered.

    Attributes:
        picks: Which of those under way is answered next, counted round.
        early: Whether a request takes effect as it is begun, and not just before its answer.
        now: How many are under way.
        most: The most that were at once.
        together: What was under way as each request was begun, that one last.
        events: `begun`, or the name of the error that an answer was; empty for a good one.
    """

    picks: list[int]
    early: list[bool]
    now: int = 0
    most: int = 0
    together: list[tuple[Leg, ...]] = field(default_factory=list)
    events: list[str] = field(default_factory=list)

    def opened(self) -> None:
        """An operation begins."""

    def pick(self) -> int:
        return self.picks.pop(0) if self.picks else 0

    def is_early(self) -> bool:
        return self.early.pop(0) if self.early else False

    def begun(self, under_way: Sequence[Leg]) -> None:
        """Another one was."""
        self.now = len(under_way)
        self.most = max(self.most, self.now)
        self.together.append(tuple(under_way))
        self.events.append("begun")

    def heard(self, leg: Leg, under_way: Sequence[Leg], error: BaseException | None) -> None:  # noqa: ARG002  # for others
        """One was answered; the others still are under way."""
        self.now = len(under_way)
        self.events.append(type(error).__name__ if error else "")


def chosen(course: Course) -> type[Flight[object, object]]:
    """A flight whose requests are answered in the order of a course; it has no thread."""

    class Choosing(Flight[K, T]):
        def __init__(self) -> None:
            super().__init__()
            course.opened()
            self.calls: dict[int, Callable[[], None]] = {}

        def begin(self, what: K, call: Callable[[], T]) -> None:
            def make() -> None:
                self._ended.put((what, called(call)))

            self.under_way.append(what)
            self.calls[id(what)] = make
            course.begun(cast("list[Leg]", self.under_way))
            if course.is_early():
                make()
                taken = self._ended.get()
                self.calls[id(what)] = lambda: self._ended.put(taken)
                if isinstance(died := taken[1].exception(), Died):
                    raise died

        def landed(self):  # type: ignore[no-untyped-def]  # noqa: ANN202  # as the inner one
            what = self.under_way[course.pick() % len(self.under_way)]
            self.calls.pop(id(what))()
            found = super().landed()
            left = cast("list[Leg]", self.under_way)
            course.heard(cast("Leg", what), left, found[1].exception())
            return found

    return Choosing
