"""Runs a sync as an operator would, and reads off what became of it."""

from __future__ import annotations

from dataclasses import dataclass

from syncd.app import App
from syncd.demo.control import Control
from syncd.errors import SyncdError
from syncd.sync import Wish, run


@dataclass(frozen=True, slots=True)
class Line:
    """How one sync went, as its plan and its platform counted it.

    Attributes:
        read: Usable members of the segment.
        kept_out: Those that consent or a hold-out keeps out.
        removed, sent: Rows that reached the platform, repetitions included.
        unchanged: Members who needed nothing.
        requests: That carried those rows.
        state: How the run ended.
        said: Why, if it failed.
    """

    sync: str
    read: int | None
    kept_out: int | None
    removed: int
    sent: int
    unchanged: int | None
    requests: int
    state: str
    said: str = ""


def run_sync(app: App, control: Control, name: str) -> Line:
    """Do what `syncd sync NAME --wait` does; a failure is told in the line."""
    platform = app.sync(name).platform
    before = control.traffic(platform)
    said = ""
    try:
        run(app.parts(name), Wish(actor="demo", wait=True))
    except SyncdError as error:
        said = str(error)
    traffic = control.traffic(platform).since(before)
    last = app.ledger.runs(name, limit=1)[0]
    plan = app.ledger.plan(last.plan) if last.plan else None
    counts = plan.counts if plan else None
    return Line(
        sync=name,
        read=counts.snapshot if counts else None,
        kept_out=sum(counts.lost.values()) if counts else None,
        removed=traffic.removed,
        sent=traffic.added,
        unchanged=counts.unchanged if counts else None,
        requests=traffic.changing,
        state=last.state.value,
        said=said,
    )
