"""The shop as a whole: its customers, and what everyone bought, for shares of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from syncd.app import App
from syncd.errors import Busy, Stopped, SyncdError
from syncd.logs import scrubbed

if TYPE_CHECKING:
    from syncd.segments.crowds import Takings

REVENUE = timedelta(days=365)  # a year: every season once


@dataclass(frozen=True, slots=True)
class Whole:
    """What a segment is a share of.

    Attributes:
        since: From when on what was bought counts.
        customers: How many there are; None where the shop does not say.
        every: What each of them bought; likewise.
        trouble: Why something is not known.
    """

    since: datetime
    customers: int | None
    every: Takings | None = field(repr=False)
    trouble: str = ""


def whole(app: App, at: datetime) -> Whole:
    """Ask the shop how many customers it has, and what they bought in the `REVENUE` before.

    Args:
        app: The configuration.
        at: The moment after the last order that counts.

    Raises:
        syncd.errors.Busy, syncd.errors.Stopped: The process is to end.
    """
    from syncd.segments.crowds import takings  # noqa: PLC0415 - numpy, when the shop is asked

    since, customers = at - REVENUE, None
    try:
        ((number,),) = app.shop.ask(app.queries.customers(at))
        customers = int(str(number))
        every = takings(app.shop.ask(app.queries.bought(since, at)), app.lock.check)
    except (Stopped, Busy):
        raise
    except SyncdError as error:
        return Whole(since, customers, None, reason(error))
    return Whole(since, customers, every)


def reason(error: SyncdError) -> str:
    """Why something could not be had, in its first line; no value of the shop is in it."""
    return scrubbed(str(error).split("\n")[0])
