"""Requests under way beside each other, as the state machine has them, and what must hold then.

They are answered in an order that is drawn, and each takes effect as it is begun or just before
its answer. Where the process dies, some of those on their way arrive and the others never do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from connectors.memory import row_identifiers
from syncd.errors import PlatformError, RequestRefused
from syncd.runs.lanes import Leg
from tests.crash.book import Violation
from tests.integration.deaths import Wire
from tests.integration.flights import Course


@dataclass
class Traffic(Course):
    """What is on the wire.

    Attributes:
        random: Draws the order.
        requests: How many were begun, and of those: while another was under way.
        troubled: Batches whose last answer was one that passes, or none.
    """

    wire: Wire = field(kw_only=True)
    random: Random = field(default_factory=lambda: Random(0))
    requests: Counter[str] = field(default_factory=Counter)
    troubled: set[str] = field(default_factory=set)

    def pick(self) -> int:
        self.wire.drops = self.wire.dead and self.random.random() < 1 / 2
        return self.random.randrange(12)

    def is_early(self) -> bool:
        return self.random.random() < 1 / 2

    def opened(self) -> None:
        """An operation begins; what the last one left in trouble is the next run's."""
        self.troubled.clear()

    def begun(self, under_way: Sequence[Leg]) -> None:
        *others, leg = under_way
        self.now = len(under_way)
        self.requests["begun"] += 1
        self.requests["beside"] += bool(others)
        batch, ids = leg.batch, frozenset().union(*row_identifiers(leg.rows))
        if self.troubled and (others or batch.id not in self.troubled):
            raise Violation("begun in trouble", f"{batch.id}, and {len(self.troubled)} are in it")
        for other in others:
            if other.lane is leg.lane:
                raise Violation("two in an upload", f"{other.batch.id} and {batch.id}")
            if other.batch.phase.operation is not batch.phase.operation:
                raise Violation("opposites at once", f"{other.batch.id} and {batch.id}")
            if ids & frozenset().union(*row_identifiers(other.rows)):
                raise Violation("shared at once", f"{other.batch.id} and {batch.id}")

    def heard(self, leg: Leg, under_way: Sequence[Leg], error: BaseException | None) -> None:
        self.wire.drops = False
        self.now = len(under_way)
        if isinstance(error, PlatformError) and not isinstance(error, RequestRefused):
            self.troubled.add(leg.batch.id)
        else:
            self.troubled.discard(leg.batch.id)

    def died(self) -> None:
        """There is a new process, which has nothing on its way."""
        self.wire.dead, self.now = False, 0
