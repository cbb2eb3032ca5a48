"""Words for what the page shows, pure: schedules, spans of time, steps of a run."""

from __future__ import annotations

from datetime import timedelta
from typing import assert_never

from syncd.settings import After, Cron, Every, Manual, Schedule

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def every(schedule: Schedule, zone: str) -> str:
    """A schedule as people say it."""
    match schedule:
        case Every(interval):
            return f"every {span(interval)}"
        case Cron(expression):
            return f"by the clock: {expression} ({zone})"
        case After(sync):
            return f"after {sync}"
        case Manual():
            return "when somebody asks for it"
        case _:
            assert_never(schedule)


def span(length: timedelta) -> str:
    """A span in its largest unit, or its two largest: 6 h, 1 d 4 h, 25 s."""
    left = max(round(length.total_seconds()), 0)
    parts = list[str]()
    for size, unit in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count:,} {unit}")
        elif parts:
            break  # 1 d 0 h 3 min is 1 d
    return " ".join(parts[:2]) or "0 s"
