"""Asking the shop what the segments in use are worth: counts and sums for the page.

Each segment is read in one sealed read, as a run reads it, and so its figures are those of
`segments preview`, `segments overlap` and `segments lift`. What cannot be had has a reason in its
place; it takes nothing from the rest, and no run waits for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import structlog

from syncd.app import App
from syncd.errors import Busy, Stopped, SyncdError, UsageError
from syncd.model import AuditEvent
from syncd.model.surveys import Counted, LiftFound, Survey, Together
from syncd.schedule import CORRECTION, due_after
from syncd.service.turn import SCHEDULE
from syncd.settings import Manual
from syncd.worth.trials import exposed_since, lift_of, tried
from syncd.worth.whole import reason, whole

# Arrow and numpy are imported when the shop is asked, as in `syncd.app`.
# ruff: noqa: PLC0415
if TYPE_CHECKING:
    from syncd.segments.crowds import Crowd

KIND = "segments_surveyed"
LIFTED = timedelta(days=90)  # that a lift looks back at most
AGAIN = timedelta(hours=1)  # after which a shop that said nothing is asked once more

log = structlog.get_logger()


def due(app: App) -> bool:
    """Whether the shop should be asked now, for the page that is published.

    The first time at once; a shop that said nothing is asked again after `AGAIN`.
    """
    settings = app.settings.page
    manual = isinstance(settings.survey, Manual)
    if settings.directory is None or manual or not app.settings.segments:
        return False
    last, now = app.ledger.surveys.latest(), app.clock.now()
    if last is None or last.at > now + CORRECTION:
        return True
    if not last.counted:
        return now >= last.at + AGAIN
    zone = ZoneInfo(app.settings.shop.timezone)
    at = due_after(settings.survey, last.at, now=now, zone=zone)
    return at is not None and at <= now


class Surveyor:
    """Asks for a daemon; what goes wrong is logged, and asked again after a while."""

    def __init__(self, told: Callable[[], None]) -> None:
        """Begin without a look.

        Args:
            told: Called when there is something new.
        """
        self._told = told
        self._tried: datetime | None = None

    def wanted(self, app: App) -> bool:
        """Whether it is to go now."""
        now = app.clock.now()
        if self._tried is not None and self._tried <= now < self._tried + AGAIN:
            return False
        if not due(app):
            return False
        self._tried = now
        return True

    def go(self, app: App) -> None:
        """Ask, and keep what the shop says."""
        try:
            found = survey(app, actor=SCHEDULE)
        except Stopped:
            log.info("survey_stopped")
        except SyncdError as error:
            log.error("survey_failed", error=type(error).__name__, why=str(error))
        else:
            log.info("segments_surveyed", asked=len(found.segments), counted=len(found.counted))
            self._told()


def survey(app: App, *, actor: str) -> Survey:
    """Ask the shop about every configured segment, and keep what it says.

    Args:
        app: A configuration; with or without the lock, for nothing is sent.
        actor: Who asks.

    Raises:
        syncd.errors.Stopped: The process is to end; nothing is kept.
        syncd.errors.SyncdError: The ledger could not be written.
    """
    from syncd.segments.crowds import Crowd

    at, crowd = app.clock.now(), Crowd()
    segments = tuple(_counted(app, crowd, at))
    shop = whole(app, at)
    every = shop.every
    bought = dict(zip(crowd.names, crowd.bought(every), strict=True)) if every else {}
    found = Survey(
        at=at,
        ended_at=app.clock.now(),
        since=shop.since,
        customers=shop.customers,
        buyers=len(every.who) if every else None,
        revenue=every.revenue if every else None,
        trouble=shop.trouble,
        segments=tuple(_with(each, bought) for each in segments),
        pairs=tuple(_pairs(crowd)),
        lifts=tuple(_lifts(app, at)),
    )
    app.ledger.surveys.add(found, event=_event(found, actor))
    return found


def _counted(app: App, crowd: Crowd, at: datetime) -> Iterator[Counted]:
    """Each segment's members, or why there is no saying."""
    from syncd.segments.crowds import MOST

    for name in app.settings.segments:
        if len(crowd.names) == MOST:
            said = f"{MOST} segments were counted before it, and no more are at once"
            yield Counted(name, trouble=said)
            continue
        try:
            members = crowd.add(name, app.shop, app.query(name, at), app.lock.check)
        except (Stopped, Busy):
            raise
        except SyncdError as error:
            yield Counted(name, trouble=reason(error))
        else:
            yield Counted(name, members)


def _with(each: Counted, bought: Mapping[str, tuple[int, int]]) -> Counted:
    """A segment with its part in what was bought, where that is known."""
    if each.segment not in bought:
        return each
    buyers, revenue = bought[each.segment]
    return replace(each, buyers=buyers, revenue=revenue)


def _pairs(crowd: Crowd) -> Iterator[Together]:
    from syncd.segments.overlaps import overlap

    for one in overlap(crowd.names, crowd.sets()).pairs:
        yield Together(one.one, one.other, one.both)


def _event(found: Survey, actor: str) -> AuditEvent:
    asked, counted = len(found.segments), len(found.counted)
    said = f"The shop was asked about {asked:,} segments: {counted:,} were counted"
    lost = [each for each in found.segments if each.trouble]
    if lost:
        said += f"; not {', '.join(each.segment for each in lost)}: {lost[0].trouble}"
    if found.trouble:
        said += f"; revenue is not known: {found.trouble}"
    sizes = {f"members of {each.segment}": each.members or 0 for each in found.counted}
    whole = {"customers": found.customers, "revenue in ten-thousandths": found.revenue}
    counts = {**sizes, **{name: count for name, count in whole.items() if count is not None}}
    return AuditEvent(KIND, found.ended_at, actor, said + ".", counts=counts)


# --- hold-outs ----------------------------------------------------------------------------


def _lifts(app: App, at: datetime) -> Iterator[LiftFound]:
    """What each segment's hold-out and arms say, since its members were first exposed."""
    from pydantic import TypeAdapter

    from syncd.worth.lifting import Lifted

    for name in app.settings.segments:
        if not tried(app, name):
            continue
        app.lock.check()
        try:
            exposed = exposed_since(app, name)
            if exposed is None:
                raise UsageError(
                    "no run has sent it yet, and a lift counts from its first run on: "
                    "`syncd plan` shows what that would do"
                )
            since = max(exposed, at - LIFTED).replace(microsecond=0)
            figures = TypeAdapter(Lifted).dump_json(lift_of(app, name, (since, at)))
        except (Stopped, Busy):
            raise
        except SyncdError as error:
            yield LiftFound(name, trouble=reason(error))
        else:
            yield LiftFound(name, figures.decode())
