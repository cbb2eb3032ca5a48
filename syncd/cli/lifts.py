"""segments lift."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from syncd.app import App, open_app
from syncd.cli.options import moment
from syncd.cli.output import print_json, say, table
from syncd.errors import UsageError
from syncd.lifting import Groups, Lifted, lifted
from syncd.model import Arms
from syncd.segments.lift import Arm, Interval, Lift

_LOOKED_BACK = 1_000  # runs of a sync


def lift(name: str, config: Path | None, *, since: str, until: str, as_json: bool) -> None:
    """Print what the exposed bought more than the control, and how sure that is."""
    with open_app(config) as app:
        holdout, arms = app.settings.holdout(name), app.settings.arms(name)
        syncs = [sync for sync, one in app.settings.syncs.items() if one.segment == name]
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
        now, zone = app.clock.now(), app.settings.shop.timezone
        moments = (moment(since, now, zone), moment(until, now, zone) if until else now)
        if not moments[0] < moments[1] <= now:
            raise UsageError("--since must lie before --until, and that not in the future")
        found = lifted(
            app.shop,
            app.query(name, moments[0]),
            app.queries.bought(*moments),
            Groups(app.control(holdout) if holdout else None, app.split(arms) if arms else None),
            [app.parts(sync) for sync in syncs],
            moments,
            app.queries.timeless(name),
        )
        caveats = (*_of_runs(app, syncs, moments), *_of_arms(app, syncs, arms), *found.caveats)
    if as_json:
        print_json({"lift": found, "caveats": caveats})
        return
    _show(found, caveats)


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


def _show(found: Lifted, caveats: Sequence[str]) -> None:
    share = f", {found.share * 100:g}% held out" if found.share else ""
    say(
        f"{found.segment}: {found.members:,} members as of {found.since:%Y-%m-%d %H:%M %Z}"
        f"{share}; orders until {found.until:%Y-%m-%d %H:%M %Z}"
    )
    reached = (
        f" (so {found.reached:,} of the control were reached all the same)" if found.share else ""
    )
    say(
        f"left out on all sides: {found.unsent:,} of whom nothing could be sent, "
        f"{found.related:,} who share an identifier with another member{reached}"
    )
    if found.lift:
        _compared("exposed", "control", found.lift)
    for trial in found.trials:
        arms = [one if one == "control" else f"arm {one}" for one in (trial.one, trial.other)]
        _compared(arms[0], arms[1], trial.lift)
    for line in caveats:
        say(f"beware: {line}")


def _compared(one: str, other: str, result: Lift) -> None:
    """One side over another: each by itself, then what the first has more."""
    say()
    table(
        ("", "members", "buyers", "share", "orders", "revenue", "revenue a head"),
        [_arm(one, result.exposed), _arm(other, result.control)],
    )
    say()
    points = result.conversion.times(100)
    rows = [
        ("share of buyers", _range(points, " points"), _sure(points)),
        ("orders a head", _range(result.orders), _sure(result.orders)),
        ("revenue a head", _range(result.revenue), _sure(result.revenue)),
        (f"orders of all {one}", _range(result.more_orders), ""),
        (f"revenue of all {one}", _range(result.more_revenue), ""),
    ]
    table((f"{one} over {other}", "more, and 95 % interval", ""), rows)
    if result.relative is not None:
        say(f"revenue a head: {result.relative:+.1%} over {_the(other)}")


def _the(other: str) -> str:
    return f"the {other}" if other == "control" else other


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
