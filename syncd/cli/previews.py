"""segments preview."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from syncd.app import App, open_app
from syncd.cli import cells
from syncd.cli.models import groups, quality
from syncd.cli.output import print_json, say
from syncd.cli.past import moment_of, timeless
from syncd.errors import UsageError
from syncd.model import HELD_OUT, FittedModel, SegmentQuery
from syncd.runs.parts import nobody
from syncd.segments.previews import Preview
from syncd.segments.whys import parameters_of
from syncd.worth.previewing import Previewed, Shares, previewed
from syncd.worth.reach import Reach

if TYPE_CHECKING:
    import pyarrow as pa

_UNIT = 10_000  # the shop's amounts are in ten-thousandths
_PAST = (
    "of the past only what happened until then is seen: orders, carts and consents. Who is a "
    "customer, their identifiers, refunds and erasures are as they are now"
)


def preview(name: str, config: Path | None, *, as_of: str, members: bool, as_json: bool) -> None:
    """Print what a segment is, at a moment; one that is not configured is the catalogue's.

    Raises:
        UsageError: The members of all cells are asked for, or the moment is none.
    """
    with open_app(config) as app:
        then = moment_of(app, as_of)
        table_of = cells.counted(app, name, then)
        if table_of is not None and name not in app.settings.segments:
            if members:
                raise UsageError(f"{name} names no cell: configure a segment that does")
            cells.show(table_of, as_json=as_json)
            return
        query = app.queries.sent(name, then)
        found = previewed(app, query, _groups(app, name), as_of=then, wanted=members)
        model = app.shop.model(query)
        notes = [*timeless(app, name, as_of), *([_PAST] if as_of else [])]
        chosen = _chosen(app, query)
    if as_json:
        print_json(_document(found, then, notes, model, table_of))
    elif found.members is not None:
        for digest in found.members:
            say(digest.as_py().hex())
    else:
        _show(query.name, found, then if as_of else None)
        _show_model(model)
        if table_of is not None:
            say()
            cells.show(table_of, as_json=False)
        _show_seen(found, chosen)
        for note in notes:
            say(f"beware: {note}")


def _groups(app: App, name: str) -> dict[str, Callable[[pa.Array], pa.Array]]:
    """What a segment's members are told apart by: the hold-out, and the arms of the others."""
    import pyarrow.compute as pc  # noqa: PLC0415 - `--help` does without

    holdout, arms = app.settings.holdout(name), app.settings.arms(name)
    held = app.control(holdout).marks if holdout else nobody
    found: dict[str, Callable[[pa.Array], pa.Array]] = {HELD_OUT: held} if holdout else {}
    if arms:
        split = app.split(arms)

        def sent(arm: str, keys: pa.Array) -> pa.Array:
            return pc.and_not(split.within(arm, keys), held(keys))

        found |= {f"arm {arm}": partial(sent, arm) for arm in arms.shares}
    return found


def _chosen(app: App, query: SegmentQuery) -> str:
    """By what members are chosen, in one line."""
    configured = app.settings.segments.get(query.name)
    if configured is not None and configured.use is None:
        return configured.described
    used = (configured.use if configured else None) or query.name
    said = parameters_of(used, configured.with_ if configured else {})
    chosen = f"{used}: {said}" if said else used
    return f"{chosen}; a model chooses among them" if query.scoring else chosen


# --- JSON ---------------------------------------------------------------------------------


def _document(
    found: Previewed,
    then: datetime,
    notes: list[str],
    model: FittedModel | None,
    table_of: object,
) -> Mapping[str, object]:
    """Counts alone, and digests of keys where they were asked for: nothing of a member."""
    told: dict[str, object] = {
        **asdict(found.counts),
        "as_of": then,
        "shares": found.shares,
        "reach": [{**asdict(each), "people": each.people} for each in found.reach],
        "notes": notes,
        "model": model and asdict(model),
        "cells": table_of,
    }
    if found.members is not None:
        told["members"] = [digest.as_py().hex() for digest in found.members]
    return told


# --- for people ---------------------------------------------------------------------------


def _show(name: str, found: Previewed, then: datetime | None) -> None:
    counts = found.counts
    when = f" as of {then:%Y-%m-%d %H:%M %Z}" if then else ""
    near = f", and {counts.stay:,} who would stay if they were" if counts.stay else ""
    say(f"{name}{when}: {counts.rows:,} members{near}")
    for line in _shares(counts, found.shares):
        say(f"  {line}")
    for what, number in (
        ("e-mail", counts.with_email),
        ("phone", counts.with_phone),
        ("whole address", counts.with_address),
    ):
        say(f"  with {what}: {_part(number, counts.rows)}")
    consents = ", ".join(f"{state} {number:,}" for state, number in counts.consent.items())
    say(f"  consent: {consents}")
    for group, number in counts.groups.items():
        say(f"  {group}: {_part(number, counts.rows)}")
    for each in found.reach:
        say(f"  {_sendable(each)}")
        say(f"    {_matched(each)}")


def _shares(counts: Preview, shares: Shares) -> Iterator[str]:
    if shares.customers is not None:
        share = _percent(counts.rows, shares.customers)
        yield f"of all {shares.customers:,} customers: {share}"
    if shares.revenue is not None and shares.all_revenue is not None:
        yield (
            f"of all revenue since {shares.since:%Y-%m-%d}: "
            f"{_percent(shares.revenue, shares.all_revenue)} ({shares.revenue / _UNIT:,.2f} by "
            f"{shares.buyers:,} who bought)"
        )
    if shares.trouble:
        lacking = "share of revenue" if shares.customers is not None else "shares"
        yield f"{lacking} not known: {shares.trouble}"


def _sendable(each: Reach) -> str:
    way = f"sync {each.sync}" if each.sync else "no sync yet"
    said = f"{each.title} ({way}): {each.sendable:,} could be sent"
    lost = ", ".join(f"{reason} {number:,}" for reason, number in each.lost.items())
    return f"{said}; kept out: {lost}" if lost else said


def _matched(each: Reach) -> str:
    if each.rate is None or each.people is None:
        return "how many people that reaches is not known: it stated no match rate here yet"
    least, most = each.people
    people = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    others = each.rate.audiences
    whose = (
        f"{others:,} other audience{'' if others == 1 else 's'} there matched"
        if others
        else "its own audience matched"
    )
    low, high = f"{each.rate.least:.0%}", f"{each.rate.most:.0%}"
    share = low if low == high else f"{low} to {high}"
    return f"about {people} people, as {whose}: {share} ({each.rate.at:%Y-%m-%d})"


def _show_model(model: FittedModel | None) -> None:
    if model is None:
        return
    say(f"  chosen by a model: {quality(model)}")
    for group in groups(model):
        say(f"    {group}")


def _show_seen(found: Previewed, chosen: str) -> None:
    if not found.seen:
        return
    say()
    say(f"chosen by {chosen}")
    say(f"why {len(found.seen):,} of them are in, each a digest of the key and a shape:")
    for each in found.seen:
        why = "; ".join(each.why) or "no more is known"
        say(f"  {each.digest}  {each.shape or '(nothing to match by)'}: {why}")
    if found.trouble:
        say(f"  why they are in is not known in whole: {found.trouble}")


def _part(number: int, rows: int) -> str:
    return f"{number:,} ({number / rows if rows else 0:.0%})"


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"
