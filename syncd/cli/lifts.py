"""segments lift."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from syncd.app import App, open_app
from syncd.cli.options import moment
from syncd.cli.output import print_json, say, table
from syncd.errors import UsageError
from syncd.lifting import Lifted, lifted
from syncd.model import Holdout
from syncd.segments.lift import Arm, Interval

_LOOKED_BACK = 1_000  # runs of a sync


def lift(name: str, config: Path | None, *, since: str, until: str, as_json: bool) -> None:
    """Print what the exposed bought more than the control, and how sure that is."""
    with open_app(config) as app:
        holdout = app.settings.holdout(name)
        syncs = [sync for sync, one in app.settings.syncs.items() if one.segment == name]
        if holdout is None:
            raise UsageError(f"segment {name} has no hold-out: set segments.{name}.holdout, as 5%")
        if not syncs:
            raise UsageError(f"no sync sends segment {name}, so nobody is exposed to anything")
        now, zone = app.clock.now(), app.settings.shop.timezone
        moments = (moment(since, now, zone), moment(until, now, zone) if until else now)
        if not moments[0] < moments[1] <= now:
            raise UsageError("--since must lie before --until, and that not in the future")
        found = lifted(
            app.shop,
            app.query(name, moments[0]),
            app.queries.bought(*moments),
            app.control(holdout),
            [app.parts(sync) for sync in syncs],
            moments,
            app.queries.timeless(name),
        )
        caveats = (*_of_runs(app, syncs, holdout, moments), *found.caveats)
    if as_json:
        print_json({"lift": found, "caveats": caveats})
        return
    _show(found, caveats)


def _of_runs(
    app: App, syncs: Sequence[str], holdout: Holdout, moments: tuple[datetime, datetime]
) -> Iterator[str]:
    """What runs did otherwise than the hold-out of now says."""
    for sync in syncs:
        begun, shares = False, set[float]()
        for run in app.ledger.runs(sync, limit=_LOOKED_BACK):
            plan = app.ledger.plan(run.plan) if run.plan else None
            if plan is None or run.started_at >= moments[1]:
                continue
            shares.add(plan.counts.holdout)
            if begun := run.started_at < moments[0]:
                break
        if shares - {holdout.share}:
            said = ", ".join(f"{share * 100:g}%" for share in sorted(shares))
            yield (
                f"sync {sync} ran with a hold-out of {said} in this time, and now it is "
                f"{holdout.percent}: some of the control may have been exposed"
            )
        if not begun:
            yield f"sync {sync} had not run by {moments[0]:%Y-%m-%d %H:%M} UTC, as far as is known"


def _show(found: Lifted, caveats: Sequence[str]) -> None:
    result = found.lift
    say(
        f"{found.segment}: {found.members:,} members as of {found.since:%Y-%m-%d %H:%M %Z}, "
        f"{found.share * 100:g}% held out; orders until {found.until:%Y-%m-%d %H:%M %Z}"
    )
    say(
        f"left out on both sides: {found.unsent:,} of whom nothing could be sent, "
        f"{found.related:,} who share an identifier with another member (so {found.reached:,} of "
        "the control were reached all the same)"
    )
    say()
    table(
        ("", "members", "buyers", "share", "orders", "revenue", "revenue a head"),
        [_arm("exposed", result.exposed), _arm("control", result.control)],
    )
    say()
    points = result.conversion.times(100)
    rows = [
        ("share of buyers", _range(points, " points"), _sure(points)),
        ("orders a head", _range(result.orders), _sure(result.orders)),
        ("revenue a head", _range(result.revenue), _sure(result.revenue)),
        ("orders of all exposed", _range(result.more_orders), ""),
        ("revenue of all exposed", _range(result.more_revenue), ""),
    ]
    table(("exposed over control", "more, and 95 % interval", ""), rows)
    if result.relative is not None:
        say(f"revenue a head: {result.relative:+.1%} over the control")
    for line in caveats:
        say(f"beware: {line}")


def _arm(name: str, arm: Arm) -> tuple[object, ...]:
    return (
        name,
        arm.members,
        arm.buyers,
        f"{arm.conversion.value:.2%}",
        arm.orders,
        f"{arm.revenue:,.2f}",
        f"{arm.revenue / arm.members:,.2f}",
    )


def _range(one: Interval, unit: str = "") -> str:
    return f"{one.value:+,.2f}{unit} ({one.low:+,.2f} to {one.high:+,.2f})"


def _sure(one: Interval) -> str:
    return "may be chance" if one.by_chance else "hardly chance"
