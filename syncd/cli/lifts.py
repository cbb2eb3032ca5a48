"""segments lift."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from syncd.app import open_app
from syncd.cli.options import moment
from syncd.cli.output import print_json, say, table
from syncd.errors import UsageError
from syncd.segments.lift import Arm, Interval, Lift
from syncd.worth.lifting import Lifted
from syncd.worth.trials import lift_of


def lift(name: str, config: Path | None, *, since: str, until: str, as_json: bool) -> None:
    """Print what the exposed bought more than the control, and how sure that is."""
    with open_app(config) as app:
        now, zone = app.clock.now(), app.settings.shop.timezone
        moments = (moment(since, now, zone), moment(until, now, zone) if until else now)
        if not moments[0] < moments[1] <= now:
            raise UsageError("--since must lie before --until, and that not in the future")
        found = lift_of(app, name, moments)
    if as_json:
        print_json({"lift": found, "caveats": found.caveats})
        return
    _show(found, found.caveats)


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
