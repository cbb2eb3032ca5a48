"""Columns in which SQLite stores no number, by the types that their tables declare."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

_TEXT = ("CHAR", "CLOB", "TEXT")


def wordy(connection: Connection, tables: Sequence[str]) -> Mapping[str, bool] | None:
    """Whether a column of these tables holds text, bytes and NULL alone; by lower-case names.

    A column whose declared type gives it the affinity TEXT stores numbers as text, whoever
    writes them (https://www.sqlite.org/datatype3.html, 3). No other does; and of a name that
    stands in several tables all must.

    Args:
        connection: Of the shop, in its transaction.
        tables: What a statement reads from.

    Returns:
        None if one of them is a view or a virtual table: it may work out anything.
    """
    found: dict[str, bool] = {}
    for table in tables:
        columns = _declared(connection, table)
        if not columns:
            return None
        for name, declared in columns:
            found[name] = found.get(name, True) and _is_text(declared)
    return found


def _declared(connection: Connection, table: str) -> list[tuple[str, str]]:
    """Columns of a table, not of a view or of a virtual table, and their types."""
    rows = connection.exec_driver_sql(
        "SELECT lower(c.name), upper(c.type) FROM main.sqlite_master AS t, "
        "pragma_table_xinfo(t.name, 'main') AS c "
        "WHERE t.type = 'table' AND t.rootpage > 0 AND lower(t.name) = lower(?)",
        (table,),
    )
    return [(str(name), str(declared)) for name, declared in rows]


def _is_text(declared: str) -> bool:
    return "INT" not in declared and any(word in declared for word in _TEXT)
