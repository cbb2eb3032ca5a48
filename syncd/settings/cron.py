"""Cron expressions as crontab(5) means them.

Each field becomes the numbers it means, so that no other reading of it follows: APScheduler
3 takes weekday 0 for Monday, and asks for both where day and weekday are given.
"""

from __future__ import annotations

from dataclasses import dataclass

WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)  # days of each month


@dataclass(frozen=True, slots=True)
class CronFields:
    """What an expression means, field by field.

    Attributes:
        minutes, hours: From 0.
        days, months: From 1.
        weekdays: 0 is Sunday, 6 Saturday.
        every_hour: The hour was `*`: such runs follow time as it passes, others the clock.
        either: Day and weekday were both narrowed: a day fits that is one or the other.
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    every_hour: bool
    either: bool


def parse_cron(expression: str) -> str:
    """Check a cron expression of five fields; returns it in lower case.

    Raises:
        ValueError: With what is wrong, and what would be right.
    """
    fields = expression.lower().split()
    read_cron(" ".join(fields))
    return " ".join(fields)


def read_cron(expression: str) -> CronFields:
    """Read a cron expression of five fields.

    Raises:
        ValueError: With what is wrong, and what would be right.
    """
    fields = expression.split()
    if len(fields) != 5:  # noqa: PLR2004  # crontab(5)
        raise ValueError(
            f"a cron expression has 5 fields (minute hour day month weekday), not {len(fields)}"
        )
    days, weekdays = _numbers(fields[2], "day", 1, 31), _weekdays(fields[4])
    months = _numbers(fields[3], "month", 1, 12, MONTHS)
    either = not fields[2].startswith("*") and not fields[4].startswith("*")
    if not either and min(days) > max(_LONGEST[month - 1] for month in months):
        raise ValueError("cron: no such month has that day, so it would never run")
    return CronFields(
        minutes=_numbers(fields[0], "minute", 0, 59),
        hours=_numbers(fields[1], "hour", 0, 23),
        days=days,
        months=months,
        weekdays=weekdays,
        every_hour=fields[1] == "*",
        either=either,
    )


def _weekdays(text: str) -> frozenset[int]:
    """0 and 7 are Sunday; by name it begins a range as 0 and ends one as 7."""
    spelled = text.replace("-sun", "-7")
    top = 6 if text.startswith("*") else 7
    found = _numbers(spelled, "weekday", 0, top, WEEKDAYS)
    return frozenset(number % 7 for number in found)


def _numbers(
    text: str, name: str, low: int, high: int, names: tuple[str, ...] = ()
) -> frozenset[int]:
    found = set[int]()
    for part in text.split(","):
        span, slash, step = part.partition("/")
        if slash and not (step.isascii() and step.isdigit() and 0 < int(step) <= high):
            raise ValueError(f"cron: the {name}'s step must be a number from 1 to {high}")
        ends = [] if span == "*" else span.split("-")
        known = [_number(end, name, low, high, names) for end in ends]
        if len(known) > 2 or known != sorted(known):  # noqa: PLR2004  # from-to
            raise ValueError(f"cron: the {name}'s range must run upwards, such as {name} 1-5")
        first, last = known[0] if known else low, known[-1] if known else high
        if slash and len(known) == 1:  # `5/15`: from there on
            last = high
        found.update(range(first, last + 1, int(step) if slash else 1))
    return frozenset(found)


def _number(text: str, name: str, low: int, high: int, names: tuple[str, ...]) -> int:
    if text in names:
        return names.index(text) + low
    if text.isascii() and text.isdigit() and low <= int(text) <= high:
        return int(text)
    also = f", {names[0]} to {names[-1]}" if names else ""
    raise ValueError(f"cron: the {name} must be from {low} to {high}{also}, or *")
