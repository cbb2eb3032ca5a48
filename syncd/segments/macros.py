"""The few words in a segment's SQL that each engine spells its own way.

    {{day(x)}}                     the day of a moment in the shop's zone, as days since 1970
    {{utc(x)}}                     a local time of the shop's zone in UTC; of an hour that is
                                   there twice the first
    {{ten_thousandths(x)}}         an amount as a whole number
    {{bytes(x)}}                   a key in the order of its bytes
    {{mail(x)}}                    an e-mail as it is compared: no outer spaces, ASCII in lower case
    {{ago(p)}}                     the moment `as_of` less the parameter p
    {{in_fourth_quarter(x, p)}}    whether x lies in one of the last p fourth quarters

Moments are computed here, in the shop's zone, and bound in UTC; windows are half-open.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

Dialect = Literal["sqlite", "postgresql", "mysql"]

_DAY = 86_400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MACRO = re.compile(r"\{\{(\w+)\(([^{}]*)\)\}\}")

_TEN_THOUSANDTHS: Mapping[Dialect, str] = {
    "sqlite": "CAST(ROUND(({x}) * 10000) AS INTEGER)",
    "postgresql": "CAST(ROUND(({x}) * 10000) AS bigint)",
    "mysql": "CAST(ROUND(({x}) * 10000) AS SIGNED)",
}
_BYTES: Mapping[Dialect, str] = {
    "sqlite": "{x} COLLATE BINARY",
    "postgresql": '{x} COLLATE "C"',
    "mysql": "CAST({x} AS BINARY)",
}
# In "C" PostgreSQL lowers ASCII alone, as SQLite does. MariaDB lowers more, but must not
# take é for e, as its usual collations do.
_MAIL: Mapping[Dialect, str] = {
    "sqlite": "LOWER(TRIM({x}))",
    "postgresql": 'LOWER(TRIM({x}) COLLATE "C")',
    "mysql": "CONVERT(LOWER(TRIM({x})) USING utf8mb4) COLLATE utf8mb4_bin",
}
_SECONDS: Mapping[Dialect, str] = {
    "sqlite": "CAST(strftime('%s', {x}) AS INTEGER)",
    "postgresql": "CAST(FLOOR(EXTRACT(EPOCH FROM CAST({x} AS timestamp))) AS bigint)",
    "mysql": "TIMESTAMPDIFF(SECOND, '1970-01-01 00:00:00', {x})",
}
_EARLIER: Mapping[Dialect, str] = {
    "sqlite": "datetime({x}, -({seconds}) || ' seconds')",
    "postgresql": "({x} - make_interval(secs => {seconds}))",
    "mysql": "({x} - INTERVAL ({seconds}) SECOND)",
}
_DIVISION: Mapping[Dialect, str] = {"sqlite": "/", "postgresql": "/", "mysql": "DIV"}


@dataclass(slots=True)
class Expansion:
    """One segment's SQL on its way to one engine; collects the binds it needs.

    Attributes:
        units: Of each parameter: what it counts.
    """

    dialect: Dialect
    as_of: datetime
    zone: ZoneInfo
    parameters: Mapping[str, float | None]
    units: Mapping[str, str]
    binds: dict[str, object] = field(default_factory=dict)

    def expand(self, sql: str) -> str:
        """The SQL with every macro spelled for the engine."""
        return _MACRO.sub(self._one, sql)

    def _one(self, found: re.Match[str]) -> str:
        macros: Mapping[str, Callable[[str], str]] = {
            "day": self._day,
            "utc": self._utc,
            "ten_thousandths": lambda x: _TEN_THOUSANDTHS[self.dialect].format(x=x),
            "bytes": lambda x: _BYTES[self.dialect].format(x=x),
            "mail": lambda x: _MAIL[self.dialect].format(x=x),
            "ago": self._ago,
            "in_fourth_quarter": self._in_fourth_quarter,
        }
        return macros[found.group(1)](found.group(2))

    def _day(self, moment: str) -> str:
        """Not the engine's own zones: MariaDB's are often not loaded, SQLite has none."""
        offset = _offset_at(moment, offsets(self.zone, self.as_of.year + 1))
        seconds = _SECONDS[self.dialect].format(x=moment)
        return f"(({seconds} + {offset}) {_DIVISION[self.dialect]} {_DAY})"

    def _utc(self, local: str) -> str:
        known = offsets(self.zone, self.as_of.year + 1)
        clocks = [known[0]]
        for (_, before), (at, after) in pairwise(known):
            clocks.append((at + timedelta(seconds=max(before, after)), after))
        return _EARLIER[self.dialect].format(x=local, seconds=_offset_at(local, clocks))

    def _ago(self, parameter: str) -> str:
        bind = f"{parameter}_ago"
        self.binds[bind] = self._moment_ago(self.parameters[parameter], self.units[parameter])
        return f":{bind}"

    def _moment_ago(self, amount: float | None, unit: str) -> datetime:
        if amount is None:
            return _EPOCH
        if unit == "calendar days":
            day = self.as_of.astimezone(self.zone).date() - timedelta(days=amount)
            return midnight(day, self.zone)
        elapsed = timedelta(hours=amount) if unit == "hours" else timedelta(days=amount)
        return self.as_of - elapsed

    def _in_fourth_quarter(self, arguments: str) -> str:
        moment, parameter = (part.strip() for part in arguments.split(","))
        local = self.as_of.astimezone(self.zone)
        latest = local.year if local.month >= 10 else local.year - 1  # noqa: PLR2004  (October)
        windows = []
        for number in range(1, int(self.parameters[parameter] or 0) + 1):
            year = latest - number + 1
            self.binds[f"q4_{number}_from"] = midnight(date(year, 10, 1), self.zone)
            self.binds[f"q4_{number}_to"] = midnight(date(year + 1, 1, 1), self.zone)
            windows.append(f"{moment} >= :q4_{number}_from AND {moment} < :q4_{number}_to")
        return f"({' OR '.join(windows)})"


def _offset_at(moment: str, known: Sequence[tuple[datetime, int]]) -> str:
    """The offset in seconds that was in force, where each begins at what `moment` reads."""
    first, *later = known
    cases = " ".join(
        f"WHEN {moment} >= '{at:%Y-%m-%d %H:%M:%S}' THEN {offset}" for at, offset in reversed(later)
    )
    return f"CASE {cases} ELSE {first[1]} END" if later else str(first[1])


def day_number(moment: datetime, zone: ZoneInfo) -> int:
    """The day of a moment in a zone, as `{{day(x)}}` counts it."""
    return (moment.astimezone(zone).date() - _EPOCH.date()).days


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When a day begins in a zone, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


@lru_cache(maxsize=8)
def offsets(zone: ZoneInfo, until: int) -> tuple[tuple[datetime, int], ...]:
    """A zone's offsets from UTC in seconds, each with when it begins.

    Args:
        zone: Of the shop.
        until: The year after the last that matters. The first is 1990: earlier moments
            take the offset that 1990 began with.
    """
    moment, end = datetime(1990, 1, 1, tzinfo=UTC), datetime(until + 1, 1, 1, tzinfo=UTC)
    found = [(moment, _offset(zone, moment))]
    while moment < end:
        following = moment + timedelta(days=1)
        if _offset(zone, following) != found[-1][1]:
            change = _change(zone, moment, following)
            found.append((change, _offset(zone, change)))
        moment = following
    return tuple(found)


def _offset(zone: ZoneInfo, moment: datetime) -> int:
    offset = moment.astimezone(zone).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The second in which the offset changes; it does so once between the two."""
    low, high = 0, int((after - before).total_seconds())
    old = _offset(zone, before)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, before + timedelta(seconds=middle)) == old:
            low = middle
        else:
            high = middle
    return before + timedelta(seconds=high)
