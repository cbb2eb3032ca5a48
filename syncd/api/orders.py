"""Runs that somebody asked for, from the asking to their end; kept in memory.

What a run did stands in the ledger. Here stands only who waits for it, so a daemon that ends
loses nothing but the answer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Literal

from syncd.errors import Busy, Held, Stopped, SyncdError
from syncd.leaving.retiring import Retired
from syncd.model import Plan
from syncd.sync import Result, Wish

KEPT = 1000  # that have ended; a caller asks within seconds
Progress = Literal["waiting", "running", "ended"]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of an order at one moment.

    Attributes:
        state: It waits for its account's thread, it runs, or it has ended.
        run: The id of its run, once that has begun.
        exit_code: That `syncd sync` would end with; None until it has ended.
        error: Why it failed or was held, in a sentence; "" if it was not.
        result: How the run ended, if it came to its end.
        drawn: The plan that was to be shown, and whether it was kept to be carried out.
        retired: What a visit to an audience came to that is emptied for good.
    """

    state: Progress = "waiting"
    run: str | None = None
    exit_code: int | None = None
    error: str = ""
    result: Result | None = None
    drawn: tuple[Plan, bool] | None = None
    retired: Retired | None = None


class Order:
    """One run that was asked for; safe between threads.

    Attributes:
        subject: Its sync; or the audience that is to be emptied, as `orphans.whole` puts it.
    """

    def __init__(self, order_id: str, subject: str, wish: Wish) -> None:
        self.id = order_id
        self.subject = subject
        self.wish = wish
        self._known = Known()
        self._outcome: Known | None = None
        self._turn = threading.Lock()

    def known(self) -> Known:
        """What is known of it now."""
        with self._turn:
            return self._known

    def began(self, run: str) -> None:
        """Note its run; of a run that waits and draws a further plan, the last one."""
        with self._turn:
            self._known = replace(self._known, state="running", run=run)

    def came_to(self, result: Result) -> None:
        """Note how its run ended."""
        with self._turn:
            self._outcome = Known(exit_code=result.exit_code, result=result)

    def drew(self, plan: Plan, *, kept: bool) -> None:
        """Note the plan that was to be shown; the code is that of `syncd plan`."""
        with self._turn:
            code = Held.exit_code if plan.held else 0
            self._outcome = Known(exit_code=code, drawn=(plan, kept))

    def emptied(self, retired: Retired) -> None:
        """Note what came of emptying an audience; the code is that of `syncd retire`."""
        with self._turn:
            self._outcome = Known(exit_code=retired.exit_code, retired=retired)

    def failed(self, error: SyncdError) -> None:
        """Note why it did not."""
        with self._turn:
            self._outcome = Known(exit_code=error.exit_code, error=str(error))

    def close(self, job: Future[None]) -> None:
        """Say that it has ended: only now may the next run of its sync be asked for."""
        if job.cancelled():
            never = "the daemon ended before the run began; ask again"
            outcome = Known(exit_code=Stopped.exit_code, error=never)
        else:
            crashed = "the run ended by a fault of syncd itself; the daemon's log names it"
            outcome = Known(exit_code=SyncdError.exit_code, error=crashed)
        with self._turn:
            self._known = replace(self._outcome or outcome, state="ended", run=self._known.run)


class Orders:
    """The orders of one daemon: those under way, and the last that ended."""

    def __init__(self, names: Callable[[], str], *, kept: int = KEPT) -> None:
        """Begin with none.

        Args:
            names: Makes an id.
            kept: How many that have ended are remembered.
        """
        self._names = names
        self._kept = kept
        self._orders = dict[str, Order]()
        self._turn = threading.Lock()

    def take(
        self, subject: str, wish: Wish, queue: Callable[[Order], Future[None] | None], *, what: str
    ) -> Order:
        """Queue a run.

        Args:
            subject: Of what.
            wish: By whom, and what beyond the sync.
            queue: Queues it; None if that is queued already.
            what: It is, for people.

        Raises:
            syncd.errors.Busy: It is.
        """
        order = Order(self._names(), subject, wish)
        job = queue(order)
        if job is None:
            raise Busy(f"{what} runs already, or waits for its account: try again when it is done")
        with self._turn:
            ended = [key for key, one in self._orders.items() if one.known().state == "ended"]
            for key in ended[: max(0, len(ended) - self._kept)]:
                del self._orders[key]
            self._orders[order.id] = order
        job.add_done_callback(order.close)
        return order

    def find(self, name: str) -> Order | None:
        """The order of this id, or whose run has it."""
        with self._turn:
            found = self._orders.get(name)
            return found or next(
                (one for one in self._orders.values() if one.known().run == name), None
            )
