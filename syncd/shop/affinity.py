"""Columns in which SQLite stores no number but whole ones, by what their tables declare."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

_TEXT = ("CHAR", "CLOB", "TEXT")


def spelled(connection: Connection, tables: Sequence[str]) -> Mapping[str, bool] | None:
    """Whether a column of these tables holds no fraction; by lower-case names.

    Of such a one SQLite's own text is the text that is wanted. A column whose declared type gives
    it the affinity TEXT stores numbers as text, whoever writes them
    (https://www.sqlite.org/datatype3.html, 3); one that is another name of the row's id has whole
    numbers alone (https://www.sqlite.org/lang_createtable.html, 5). Of no other is it sure; and of
    a name that stands in several tables all must.

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
        for name, sure in columns:
            found[name] = found.get(name, True) and sure
    return found


def _declared(connection: Connection, table: str) -> list[tuple[str, bool]]:
    """Columns of a table, not of a view or of a virtual table, and whether each is sure."""
    # A primary key that is the row's id needs no index, and is the only one that has none.
    rows = connection.exec_driver_sql(
        "SELECT lower(c.name), upper(c.type), c.pk AND NOT EXISTS ("
        "SELECT 1 FROM pragma_index_list(t.name, 'main') WHERE origin = 'pk') "
        "FROM main.sqlite_master AS t, pragma_table_xinfo(t.name, 'main') AS c "
        "WHERE t.type = 'table' AND t.rootpage > 0 AND lower(t.name) = lower(?)",
        (table,),
    )
    return [(str(name), bool(is_id) or _is_text(str(kind))) for name, kind, is_id in rows]


def _is_text(declared: str) -> bool:
    return "INT" not in declared and any(word in declared for word in _TEXT)
