"""What the daemon does for somebody beside runs, on the thread of the account concerned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from syncd.api.orders import Order
from syncd.app import App
from syncd.errors import SyncdError
from syncd.leaving.retiring import Retired, retire
from syncd.runs.parts import Progress
from syncd.service.orphans import orphan, parts_of
from syncd.service.pulse import Pulse
from syncd.service.turn import telling
from syncd.sync import show

Errand = Callable[[App, Order, Progress], None]


def do(errand: Errand, order: Order, what: str, app: App, pulse: Pulse) -> None:
    """Do one to its end; whoever asked is told what came of it."""
    with pulse.of(what):
        try:
            app.lock.check()
            errand(app, order, pulse.progress)
        except SyncdError as error:
            order.failed(error)
        finally:
            app.membership.let_go()


def draw(app: App, order: Order, progress: Progress) -> None:
    """Draw a plan of the order's sync; nothing is sent.

    Raises:
        syncd.errors.SyncdError: It could not be drawn.
    """
    parts = app.parts(order.subject, progress=progress)
    plan, kept = show(telling(parts, order.began), actor=order.wish.actor)
    order.drew(plan, kept=kept)


def empty(app: App, order: Order, progress: Progress) -> None:
    """Begin to empty the order's audience for good, or carry on.

    It is looked up anew: a sync may fill it by now.

    Raises:
        syncd.errors.SyncdError: Something is still to be done; the next call does it.
    """
    audience = orphan(app, order.subject)
    if audience.state == "retired":
        order.emptied(Retired(audience, "retired"))
        return
    parts = replace(parts_of(app, audience), progress=progress)
    order.emptied(retire(telling(parts, order.began), audience, actor=order.wish.actor))
