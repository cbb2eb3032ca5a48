"""Past moments that a command answers for, and what of the past there is no telling."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from syncd.app import App
from syncd.cli.options import moment
from syncd.errors import UsageError


def moment_of(app: App, as_of: str) -> datetime:
    """The moment that `--as-of` says, in UTC; now where it says nothing.

    Raises:
        UsageError: It is no moment, or lies in the future.
    """
    now = app.clock.now()
    then = moment(as_of, now, app.settings.shop.timezone) if as_of else now
    if then > now:
        raise UsageError("--as-of must not lie in the future")
    return then


def timeless(app: App, name: str, as_of: str) -> Iterator[str]:
    """Own SQL that tells of now whatever moment is asked for."""
    for own in app.queries.timeless(name) if as_of else ():
        yield f"the SQL of segment {own} does not ask for :as_of, so its members are those of now"
