"""Why a few members are in a segment: asked of the shop anew, for their keys alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from syncd.app import App
from syncd.errors import Busy, Stopped, SyncdError
from syncd.model import SegmentQuery
from syncd.segments.systems import source_of
from syncd.segments.whys import figures
from syncd.worth.whole import reason


def whys(
    app: App, query: SegmentQuery, keys: Sequence[str], as_of: datetime
) -> tuple[dict[str, list[str]], str]:
    """What decides that customers are in a segment.

    Args:
        app: The configuration.
        query: Of the segment, at that moment.
        keys: Of the customers, as text.
        as_of: The moment.

    Returns:
        By key, what is to be said; and why something could not be asked, "" where all could.
    """
    configured = app.settings.segments.get(query.name)
    found: dict[str, list[str]] = {key: [] for key in keys}
    try:
        if configured is not None and configured.composed:
            for key, part in app.queries.having(query.name, keys, as_of):
                found[key].append(f"in {part}")
        elif configured is not None and configured.use is None:
            for said in found.values():
                said.append(f"returned by your SQL, {configured.described}")
        else:
            _figures(app, query, found, as_of)
    except (Stopped, Busy):
        raise
    except SyncdError as error:
        return found, reason(error)
    return found, ""


def _figures(app: App, query: SegmentQuery, found: dict[str, list[str]], as_of: datetime) -> None:
    configured, queries = app.settings.segments.get(query.name), app.queries
    asked = figures(
        (configured.use if configured else None) or query.name,
        list(found),
        parameters=configured.with_ if configured else {},
        as_of=as_of,
        timezone=app.settings.shop.timezone,
        dialect=app.shop.dialect,
        source=source_of(app.settings.shop, queries.guest_key),
    )
    for question, tell in asked:
        for who, _, *row in app.shop.ask(question):
            found[str(who)].append(tell(row))
