"""When seasons were: windows that come back each year, as days of the shop.

A span is half-open: its first day is in it, its last is not. Spans come newest first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import chain, islice

Span = tuple[date, date]

_THURSDAY, _SUNDAY = 3, 6


def last_windows(windows: Sequence[str], years: int, today: date) -> tuple[Span, ...]:
    """The last occurrences of each window that have begun.

    Args:
        windows: Each as `MM-DD/MM-DD`, its last day included; it may run into January.
        years: How many occurrences of each.
        today: A window that begins today has begun.
    """
    return tuple(
        chain.from_iterable(
            islice((span for span in _occurrences(window, today) if span[0] <= today), years)
            for window in windows
        )
    )


def last_black_fridays(years: int, today: date) -> tuple[Span, ...]:
    """The last days from Thanksgiving to Cyber Monday that have begun."""
    spans = (
        (thanksgiving, thanksgiving + timedelta(days=5))
        for thanksgiving in (_nth(year, 11, _THURSDAY, 4) for year in _years(today))
    )
    return tuple(islice((span for span in spans if span[0] <= today), years))


def last_runs_up(holiday: str, lead: int, years: int, today: date) -> tuple[Span, ...]:
    """The days before a holiday, of the last years in which it is over.

    Args:
        holiday: One of `HOLIDAYS`.
        lead: How many days.
        years: How many holidays.
        today: A holiday is over the day after.
    """
    days = (HOLIDAYS[holiday](year) for year in _years(today))
    return tuple(islice(((day - timedelta(days=lead), day) for day in days if day < today), years))


def _occurrences(window: str, today: date) -> Iterator[Span]:
    first, last = window.split("/")
    for year in _years(today):
        begin, end = (date.fromisoformat(f"{year}-{day}") for day in (first, last))
        if end < begin:
            end = date.fromisoformat(f"{year + 1}-{last}")
        yield begin, end + timedelta(days=1)


def _years(today: date) -> Iterator[int]:
    return iter(range(today.year, 1, -1))


def _nth(year: int, month: int, weekday: int, number: int) -> date:
    """The nth of a weekday, counted from Monday as 0, in a month."""
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (number - 1))


HOLIDAYS: Mapping[str, Callable[[int], date]] = {
    "valentines_day": lambda year: date(year, 2, 14),
    "mothers_day": lambda year: _nth(year, 5, _SUNDAY, 2),
    "fathers_day": lambda year: _nth(year, 6, _SUNDAY, 3),
    "halloween": lambda year: date(year, 10, 31),
    "christmas": lambda year: date(year, 12, 25),
}
