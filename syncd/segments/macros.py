"""The few words in a segment's SQL that each engine spells its own way.

    {{day(x)}}                     the day of a moment in the shop's zone, as days since 1970
    {{utc(x)}}                     a local time of the shop's zone in UTC; of an hour that is
                                   there twice the first
    {{later(x, p)}}                the moment x and p days, of 24 hours each
    {{date(x)}}                    a date as text, YYYY-MM-DD
    {{ten_thousandths(x)}}         an amount as a whole number
    {{whole(x)}}                   a sum of whole numbers, as quick to compare as one of them
    {{spent(i, r)}}                what a line i of order_items came to, less what came back, as
                                   a whole number too; r is its order's fx_to_base
    {{quotient(a, b)}}             a / b of whole numbers, without its fraction
    {{bytes(x)}}                   a key in the order of its bytes
    {{key_of(x)}}                  a key that is yet to be grouped and joined, in no certain order
    {{folded(x)}}                  text as it is compared: no outer spaces, ASCII in lower case
    {{spelled(x)}}                 text as it was written but for outer spaces, told apart by bytes
    {{ago(p)}}                     the moment `as_of` less the parameter p; of calendar days
                                   the midnight that begins that day
    {{days_ago(n)}}                the midnight that begins the day n days before `as_of`
    {{years_ago(p)}}               the date of `as_of` less p years
    {{in_fourth_quarter(x, p)}}    whether x lies in one of the last p fourth quarters
    {{in_black_friday(x, p)}}      likewise from Thanksgiving to Cyber Monday
    {{in_windows(x, w, p)}}        likewise in the windows w, as MM-DD/MM-DD
    {{before_holiday(x, h, d, p)}} likewise in the d days before the holiday h
    {{one_of(x, p)}}               whether x is one of the words p; yes where p is not given
    {{begins(x, p)}}               likewise whether it begins with one of them
    {{count(p)}}                   how many different words p has
    {{within(path, p)}}            whether a category's path is p or lies under it

Moments are computed here, in the shop's zone, and bound in UTC; windows are half-open.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

from syncd.segments.parameters import Value
from syncd.segments.seasons import Span, last_black_fridays, last_runs_up, last_windows

Dialect = Literal["sqlite", "postgresql", "mysql", "duckdb"]

_DAY = 86_400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MACRO = re.compile(r"\{\{(\w+)\(([^{}]*)\)\}\}")
_FOURTH_QUARTER = ("10-01/12-31",)
_UPPER, _LOWER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"

# DuckDB's own decimals would overflow where a product is rounded; a double holds amounts
# of up to 900 billion to the ten-thousandth.
_TEN_THOUSANDTHS: Mapping[Dialect, str] = {
    "sqlite": "CAST(ROUND(({x}) * 10000) AS INTEGER)",
    "postgresql": "CAST(ROUND(({x}) * 10000) AS bigint)",
    "mysql": "CAST(ROUND(({x}) * 10000) AS SIGNED)",
    "duckdb": "CAST(ROUND(CAST({x} AS DOUBLE) * 10000) AS BIGINT)",
}
_BYTES: Mapping[Dialect, str] = {
    "sqlite": "{x} COLLATE BINARY",
    "postgresql": '{x} COLLATE "C"',
    "mysql": "CAST({x} AS BINARY)",
    "duckdb": "{x}",
}
# PostgreSQL sorts to group what it takes for too many to hash, and by a language's rules that
# takes several times as long. MariaDB would not find such a key by an index.
_KEY_OF: Mapping[Dialect, str] = {
    "sqlite": "{x}",
    "postgresql": '{x} COLLATE "C"',
    "mysql": "{x}",
    "duckdb": "{x}",
}
# A sum is a decimal on PostgreSQL and MariaDB, and of 128 bits on DuckDB.
_WHOLE: Mapping[Dialect, str] = {
    "sqlite": "{x}",
    "postgresql": "CAST({x} AS bigint)",
    "mysql": "CAST({x} AS SIGNED)",
    "duckdb": "CAST({x} AS BIGINT)",
}
# In "C" PostgreSQL lowers ASCII alone, as SQLite does. MariaDB lowers more, but must not
# take é for e, as its usual collations do.
_FOLDED: Mapping[Dialect, str] = {
    "sqlite": "LOWER(TRIM({x}))",
    "postgresql": 'LOWER(TRIM({x}) COLLATE "C")',
    "mysql": "CONVERT(LOWER(TRIM({x})) USING utf8mb4) COLLATE utf8mb4_bin",
    "duckdb": f"TRANSLATE(TRIM({{x}}, ' '), '{_UPPER}', '{_LOWER}')",
}
_SPELLED: Mapping[Dialect, str] = {
    "sqlite": "TRIM({x}) COLLATE BINARY",
    "postgresql": 'TRIM({x}) COLLATE "C"',
    "mysql": "CONVERT(TRIM({x}) USING utf8mb4) COLLATE utf8mb4_bin",
    "duckdb": "TRIM({x}, ' ')",
}
_DATE: Mapping[Dialect, str] = {
    "sqlite": "SUBSTR({x}, 1, 10)",
    "postgresql": 'SUBSTR(CAST({x} AS text), 1, 10) COLLATE "C"',
    "mysql": "SUBSTR(CAST({x} AS CHAR), 1, 10)",
    "duckdb": "SUBSTR(CAST({x} AS VARCHAR), 1, 10)",
}
_SECONDS: Mapping[Dialect, str] = {
    "sqlite": "CAST(strftime('%s', {x}) AS INTEGER)",
    # EXTRACT answers a decimal, which takes a third longer; a double tells microseconds apart.
    "postgresql": "CAST(FLOOR(DATE_PART('epoch', CAST({x} AS timestamp))) AS bigint)",
    "mysql": "TIMESTAMPDIFF(SECOND, '1970-01-01 00:00:00', {x})",
    "duckdb": "CAST(FLOOR(EPOCH({x})) AS BIGINT)",
}
_LATER: Mapping[Dialect, str] = {
    "sqlite": "datetime({x}, '+{days} days')",
    "postgresql": "({x} + {days} * INTERVAL '1 day')",
    "mysql": "({x} + INTERVAL {days} DAY)",
    "duckdb": "({x} + INTERVAL {days} DAY)",
}
_EARLIER: Mapping[Dialect, str] = {
    "sqlite": "datetime({x}, -({seconds}) || ' seconds')",
    "postgresql": "({x} - make_interval(secs => {seconds}))",
    "mysql": "({x} - INTERVAL ({seconds}) SECOND)",
    "duckdb": "({x} - INTERVAL 1 SECOND * ({seconds}))",
}
_DIVISION: Mapping[Dialect, str] = {
    "sqlite": "/",
    "postgresql": "/",
    "mysql": "DIV",
    "duckdb": "//",
}
# PostgreSQL sums whole numbers up to decimals, which it would divide with a fraction.
_QUOTIENT: Mapping[Dialect, str] = {
    "sqlite": "(({a}) / ({b}))",
    "postgresql": "(CAST({a} AS bigint) / CAST({b} AS bigint))",
    "mysql": "(({a}) DIV ({b}))",
    "duckdb": "(({a}) // ({b}))",
}


@dataclass(slots=True)
class Expansion:
    """One segment's SQL on its way to one engine; collects the binds it needs.

    Attributes:
        units: Of each parameter that is a number: what it counts.
    """

    dialect: Dialect
    as_of: datetime
    zone: ZoneInfo
    parameters: Mapping[str, Value]
    units: Mapping[str, str]
    binds: dict[str, object] = field(default_factory=dict)

    def expand(self, sql: str) -> str:
        """The SQL with every macro spelled for the engine."""
        return _MACRO.sub(self._one, sql)

    def _one(self, found: re.Match[str]) -> str:
        macros: Mapping[str, tuple[int, Callable[..., str]]] = {
            "later": (2, self._later),
            "day": (1, self._day),
            "utc": (1, self._utc),
            "date": (1, lambda x: _DATE[self.dialect].format(x=x)),
            "ten_thousandths": (1, lambda x: _TEN_THOUSANDTHS[self.dialect].format(x=x)),
            "spent": (2, self._spent),
            "whole": (1, lambda x: _WHOLE[self.dialect].format(x=x)),
            "quotient": (2, lambda a, b: _QUOTIENT[self.dialect].format(a=a, b=b)),
            "bytes": (1, lambda x: _BYTES[self.dialect].format(x=x)),
            "key_of": (1, lambda x: _KEY_OF[self.dialect].format(x=x)),
            "folded": (1, self._folded),
            "spelled": (1, lambda x: _SPELLED[self.dialect].format(x=x)),
            "ago": (1, self._ago),
            "days_ago": (1, self._days_ago),
            "years_ago": (1, self._years_ago),
            "in_fourth_quarter": (2, self._in_fourth_quarter),
            "in_black_friday": (2, self._in_black_friday),
            "in_windows": (3, self._in_windows),
            "before_holiday": (4, self._before_holiday),
            "one_of": (2, self._one_of),
            "begins": (2, self._begins),
            "count": (1, lambda p: str(len({_fold(word) for word in self._words(p)}))),
            "within": (2, self._within),
        }
        takes, spell = macros[found.group(1)]
        # From the right: only the first argument is an expression, and may hold commas.
        arguments = found.group(2).rsplit(",", takes - 1)
        return spell(*(argument.strip() for argument in arguments))

    @property
    def _today(self) -> date:
        return self.as_of.astimezone(self.zone).date()

    def _number(self, parameter: str) -> float:
        value = self.parameters[parameter]
        if not isinstance(value, int | float):
            raise TypeError(f"{parameter} is no number")
        return value

    def _words(self, parameter: str) -> tuple[str, ...]:
        value = self.parameters[parameter]
        if isinstance(value, int | float):
            raise TypeError(f"{parameter} is no word")
        return (value,) if isinstance(value, str) else value or ()

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

    def _spent(self, items: str, rate: str) -> str:
        factors: tuple[str, ...] = (
            f"{items}.unit_paid",
            f"({items}.qty - COALESCE({items}.qty_refunded, 0))",
            f"COALESCE({rate}, 1)",
        )
        if self.dialect == "duckdb":
            factors = tuple(f"CAST({factor} AS DOUBLE)" for factor in factors)
        return _TEN_THOUSANDTHS[self.dialect].format(x=" * ".join(factors))

    def _later(self, moment: str, parameter: str) -> str:
        return _LATER[self.dialect].format(x=moment, days=int(self._number(parameter)))

    def _folded(self, text: str) -> str:
        return _FOLDED[self.dialect].format(x=text)

    def _ago(self, parameter: str) -> str:
        return self._bind(f"{parameter}_ago", self._moment_ago(parameter))

    def _moment_ago(self, parameter: str) -> datetime:
        if self.parameters[parameter] is None:
            return _EPOCH
        amount, unit = self._number(parameter), self.units[parameter]
        if unit == "calendar days":
            return midnight(self._today - timedelta(days=amount), self.zone)
        elapsed = timedelta(hours=amount) if unit == "hours" else timedelta(days=amount)
        return self.as_of - elapsed

    def _days_ago(self, days: str) -> str:
        begun = midnight(self._today - timedelta(days=int(days)), self.zone)
        return self._bind(f"days_{days}_ago", begun)

    def _years_ago(self, parameter: str) -> str:
        """Text that sorts as dates do: who was born on 29 February grows older on 1 March."""
        if self.parameters[parameter] is None:
            return "''"
        year = self._today.year - int(self._number(parameter))
        return self._bind(f"{parameter}_years_ago", f"{year:04}-{self._today:%m-%d}")

    def _in_fourth_quarter(self, moment: str, years: str) -> str:
        spans = last_windows(_FOURTH_QUARTER, int(self._number(years)), self._today)
        return self._in_spans(moment, spans)

    def _in_black_friday(self, moment: str, years: str) -> str:
        return self._in_spans(moment, last_black_fridays(int(self._number(years)), self._today))

    def _in_windows(self, moment: str, windows: str, years: str) -> str:
        spans = last_windows(self._words(windows), int(self._number(years)), self._today)
        return self._in_spans(moment, spans)

    def _before_holiday(self, moment: str, holiday: str, lead: str, years: str) -> str:
        (name,) = self._words(holiday)
        days, number = int(self._number(lead)), int(self._number(years))
        return self._in_spans(moment, last_runs_up(name, days, number, self._today))

    def _in_spans(self, moment: str, spans: Iterable[Span]) -> str:
        windows = []
        for number, (begin, end) in enumerate(spans, start=1):
            since = self._bind(f"window_{number}_from", midnight(begin, self.zone))
            until = self._bind(f"window_{number}_to", midnight(end, self.zone))
            windows.append(f"{moment} >= {since} AND {moment} < {until}")
        return f"({' OR '.join(windows)})"

    def _one_of(self, text: str, parameter: str) -> str:
        words = self._words(parameter)
        if not words:
            return "1 = 1"
        binds = (self._bind(f"{parameter}_{place}", word) for place, word in enumerate(words, 1))
        return f"{self._folded(text)} IN ({', '.join(self._folded(bind) for bind in binds)})"

    def _begins(self, text: str, parameter: str) -> str:
        words = self._words(parameter)
        if not words:
            return "1 = 1"
        found = []
        for place, word in enumerate(words, 1):
            bind = self._bind(f"{parameter}_{place}", word)
            head = self._folded(f"SUBSTR(TRIM({text}), 1, {len(word)})")
            found.append(f"{head} = {self._folded(bind)}")
        return f"({' OR '.join(found)})"

    def _within(self, path: str, parameter: str) -> str:
        (category,) = self._words(parameter)
        root = f"/{category.strip().strip('/')}/"
        bind = self._bind(f"{parameter}_path", root)
        return f"{self._folded(f'SUBSTR({path}, 1, {len(root)})')} = {self._folded(bind)}"

    def _bind(self, name: str, value: object) -> str:
        self.binds[name] = value
        return f":{name}"


def _offset_at(moment: str, known: Sequence[tuple[datetime, int]]) -> str:
    """SQL for the offset at a moment, in few comparisons: there are a hundred offsets."""
    if len(known) == 1:
        return str(known[0][1])
    middle = len(known) // 2
    before, after = _offset_at(moment, known[:middle]), _offset_at(moment, known[middle:])
    return (
        f"CASE WHEN {moment} < '{known[middle][0]:%Y-%m-%d %H:%M:%S}' "
        f"THEN {before} ELSE {after} END"
    )


def _fold(word: str) -> str:
    return word.strip().translate(str.maketrans(_UPPER, _LOWER))


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
