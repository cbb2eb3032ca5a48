"""Segments made of others: who is in any of some, in all of some, and in none of some.

One query is made of the parts' own, each asked once, so that all are of one moment. Members are
told apart by the bytes of their keys, whatever type a part returns them in. What is said of a
member is what the first part says that has them, `any` before `all`; but whoever has denied
consent by any part that has them has denied it.

A segment of the catalogue takes part by its whole query, and is unavailable with the whole
where the shop lacks what it needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from syncd.errors import ConfigError
from syncd.model import SEGMENT_COLUMNS
from syncd.segments.macros import Dialect

_CONSENT = "ad_consent"
_KEYS: Mapping[Dialect, str] = {
    "sqlite": "CAST({x} AS TEXT)",
    "postgresql": 'CAST({x} AS text) COLLATE "C"',
    "mysql": "CONVERT({x} USING utf8mb4) COLLATE utf8mb4_bin",
    "duckdb": "CAST({x} AS VARCHAR)",
}


@dataclass(frozen=True, slots=True)
class Part:
    """One segment that another is made of.

    Attributes:
        name: As the configuration calls it.
        sql: Its SELECT, without a semicolon, its binds named apart from other parts'.
        columns: What that returns, `customer_key` among it.
    """

    name: str
    sql: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Composition:
    """What a segment is made of.

    Attributes:
        any, all, none: Parts; `any` or `all` has one.
    """

    any: tuple[Part, ...]
    all: tuple[Part, ...]
    none: tuple[Part, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """What the whole returns: what each that may say who a member is does; and consent."""
        first = self.any or self.all[:1]
        shared = set.intersection(*(set(part.columns) for part in first))
        if any(_CONSENT in part.columns for part in (*self.any, *self.all)):
            shared.add(_CONSENT)
        return tuple(name for name in SEGMENT_COLUMNS if name in shared)

    def sql(self, dialect: Dialect) -> str:
        """The whole as one SELECT.

        Raises:
            ConfigError: A part does not return `customer_key`.
        """
        for part in (*self.any, *self.all, *self.none):
            if "customer_key" not in part.columns:
                raise ConfigError(f"segment {part.name} does not return customer_key")
        first = self.any or self.all[:1]
        others = self.all if self.any else self.all[1:]
        columns = self.columns
        joins = [_in(part, place, dialect) for place, part in enumerate(others, 1)]
        joins += [_not_in(part, place, dialect) for place, part in enumerate(self.none, 1)]
        wheres = [f"not_{place}.customer_key IS NULL" for place in range(1, len(self.none) + 1)]
        denied = ["made.denied"] if _asks(first) else []
        denied += [f"in_{n}.denied" for n, part in enumerate(others, 1) if _asks([part])]
        said = ", ".join(
            _consent(denied) if name == _CONSENT else f"made.{name}" for name in columns
        )
        made = _first(first, columns, dialect)
        return "\n".join(
            [
                f"SELECT {said}",
                f"FROM (\n{made}\n) made",
                *joins,
                *([f"WHERE {' AND '.join(wheres)}"] if wheres else []),
            ]
        )


def having_sql(parts: Sequence[Part], keys: Sequence[str], dialect: Dialect) -> str:
    """One SELECT: a customer's key, as text, and the place of each part that has them.

    Args:
        parts: The first one's place is 0.
        keys: Names of binds, of the customers that are asked for.
        dialect: Of the shop.
    """
    key, among = key_of(dialect), ", ".join(f":{bind}" for bind in keys)
    each = (
        f"SELECT DISTINCT {key} AS who, {place} AS place\nFROM (\n{part.sql}\n) part_{place} "
        f"-- {part.name}\nWHERE {key} IN ({among})"
        for place, part in enumerate(parts)
    )
    return "\nUNION ALL\n".join(each)


def _asks(parts: Sequence[Part]) -> bool:
    """Whether any of them says who denied consent."""
    return any(_CONSENT in part.columns for part in parts)


def _consent(denied: Sequence[str]) -> str:
    """Who has denied by any part has denied; else what the first part says."""
    asked = " OR ".join(f"{column} = 1" for column in denied)
    return f"CASE WHEN {asked} THEN 'denied' ELSE made.{_CONSENT} END AS {_CONSENT}"


def _denies(part: Part) -> str:
    """1 for a member who has denied consent by a part, as identity reads it; else 0."""
    if _CONSENT not in part.columns:
        return "0"
    return f"CASE WHEN LOWER(TRIM({_CONSENT})) = 'denied' THEN 1 ELSE 0 END"


def _first(parts: Sequence[Part], columns: Sequence[str], dialect: Dialect) -> str:
    """Members of at least one of some parts, each once, as the first that has them says."""
    rows = [_rows(part, place, columns, dialect) for place, part in enumerate(parts, 1)]
    if len(rows) == 1:
        return rows[0]
    union = "\nUNION ALL\n".join(rows)
    own = ", ".join(columns)
    asks = ", MAX(denied) OVER (PARTITION BY customer_key) AS denied" if _asks(parts) else ""
    return (
        f"SELECT {own}{', denied' if asks else ''} FROM (\n"
        f"SELECT {own}{asks}, ROW_NUMBER() OVER (PARTITION BY customer_key ORDER BY place) AS nth\n"
        f"FROM (\n{union}\n) every\n) ranked\nWHERE nth = 1"
    )


def _rows(part: Part, place: int, columns: Sequence[str], dialect: Dialect) -> str:
    """A part's rows, in the columns of the whole."""
    said = {
        "customer_key": f"{key_of(dialect)} AS customer_key",
        _CONSENT: _CONSENT if _CONSENT in part.columns else f"'unknown' AS {_CONSENT}",
    }
    own = ", ".join(said.get(name, name) for name in columns)
    return (
        f"SELECT {own}, {_denies(part)} AS denied, {place} AS place\n"
        f"FROM (\n{part.sql}\n) part_{place} -- {part.name}"
    )


def _in(part: Part, place: int, dialect: Dialect) -> str:
    """Joins whoever is in a part too."""
    return (
        f"JOIN (\nSELECT {key_of(dialect)} AS customer_key, MAX({_denies(part)}) AS denied\n"
        f"FROM (\n{part.sql}\n) part_in -- {part.name}\n"
        f"GROUP BY {key_of(dialect)}\n"
        f") in_{place} ON in_{place}.customer_key = made.customer_key"
    )


def _not_in(part: Part, place: int, dialect: Dialect) -> str:
    """Joins whoever is in a part, so that they can be left out."""
    # A key of NULL equals none, and so takes nobody out.
    return (
        f"LEFT JOIN (\nSELECT DISTINCT {key_of(dialect)} AS customer_key\n"
        f"FROM (\n{part.sql}\n) part_not -- {part.name}\n"
        f") not_{place} ON not_{place}.customer_key = made.customer_key"
    )


def key_of(dialect: Dialect) -> str:
    """SQL for `customer_key` as text, told apart by its bytes."""
    return _KEYS[dialect].format(x="customer_key")
