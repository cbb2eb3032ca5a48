"""What a configured segment's hold-out and arms say, and what its runs did otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from syncd.app import App
from syncd.errors import UsageError
from syncd.model import Arms

# numpy is imported when the shop is asked, as in `syncd.app`.
# ruff: noqa: PLC0415
if TYPE_CHECKING:
    from syncd.worth.lifting import Lifted

_LOOKED_BACK = 1_000  # runs of a sync


def tried(app: App, segment: str) -> bool:
    """Whether there is something to compare: a hold-out, or arms."""
    return app.settings.holdout(segment) is not None or app.settings.arms(segment) is not None


def exposed_since(app: App, segment: str) -> datetime | None:
    """From when on members of a segment may have seen something; None before its first run."""
    with app.ledger.figures.moment() as seen:
        found = seen.first_sent(syncs_of(app, segment))
    # The next second: whole ones count, and who bought in this one had hardly seen anything.
    return None if found is None else found + timedelta(seconds=1)


def syncs_of(app: App, segment: str) -> list[str]:
    """The syncs that send a segment."""
    return [sync for sync, one in app.settings.syncs.items() if one.segment == segment]


def lift_of(app: App, name: str, moments: tuple[datetime, datetime]) -> Lifted:
    """What a segment's exposed members bought more than its control, and what to beware of.

    Args:
        app: The configuration.
        name: The segment.
        moments: The first, and the one after the last.

    Raises:
        syncd.errors.UsageError: It has neither a hold-out nor arms, or no sync; or one of what is
            compared has hardly anybody in it.
        syncd.errors.ShopError: The shop could not be read to the end.
    """
    from syncd.worth.lifting import Groups, lifted

    holdout, arms, syncs = app.settings.holdout(name), app.settings.arms(name), syncs_of(app, name)
    if holdout is None and arms is None:
        raise UsageError(
            f"segment {name} has no hold-out: set segments.{name}.holdout, as 5%, or `arms` to "
            "compare with one another"
        )
    if not syncs:
        raise UsageError(f"no sync sends segment {name}, so nobody is exposed to anything")
    sent = {app.settings.syncs[sync].arm for sync in syncs}
    unsent = [arm for arm in (arms.shares if arms else ()) if not sent & {arm, ""}]
    if unsent:
        raise UsageError(f"no sync sends arm {unsent[0]} of segment {name}: set `arm` on one")
    found = lifted(
        app.shop,
        app.query(name, moments[0]),
        app.queries.bought(*moments),
        Groups(app.control(holdout) if holdout else None, app.split(arms) if arms else None),
        [app.parts(sync) for sync in syncs],
        moments,
        app.queries.timeless(name),
    )
    beware = (*_of_runs(app, syncs, moments), *_of_arms(app, syncs, arms), *found.caveats)
    return replace(found, caveats=beware)


def _of_runs(app: App, syncs: Sequence[str], moments: tuple[datetime, datetime]) -> Iterator[str]:
    """What runs did otherwise than the hold-out and the arms of now say."""
    for sync in syncs:
        begun, shares, arms = False, set[float](), set[str]()
        for run in app.ledger.runs(sync, limit=_LOOKED_BACK):
            plan = app.ledger.plan(run.plan) if run.plan else None
            if plan is None or run.started_at >= moments[1]:
                continue
            shares.add(plan.counts.holdout)
            arms.add(plan.counts.arm)
            if begun := run.started_at < moments[0]:
                break
        now = app.sync(sync)
        share = now.holdout.share if now.holdout else 0.0
        if shares - {share}:
            said = ", ".join(f"{share * 100:g}%" for share in sorted(shares))
            yield (
                f"sync {sync} ran with a hold-out of {said} in this time, and now it is "
                f"{share * 100:g}%: some of the control may have been exposed"
            )
        arm = f"{now.arm} of {now.arms}" if now.arms else ""
        if arms - {arm}:
            said = "; ".join(f"arm {one}" if one else "the whole segment" for one in sorted(arms))
            yield (
                f"sync {sync} sent {said} in this time, and now it sends "
                f"{f'arm {arm}' if arm else 'the whole segment'}: some may have seen both"
            )
        if not begun:
            yield f"sync {sync} had not run by {moments[0]:%Y-%m-%d %H:%M} UTC, as far as is known"


def _of_arms(app: App, syncs: Sequence[str], arms: Arms | None) -> Iterator[str]:
    for sync in syncs:
        if arms and not app.settings.syncs[sync].arm:
            yield f"sync {sync} sends every arm, and what comes of it is in all of them"
