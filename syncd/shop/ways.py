"""Which way a statement's rows come: chosen before the first of them, and kept."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from syncd.shop.rows import Asked, CursorRows, Fetch, Rows, fetched

if TYPE_CHECKING:
    from syncd.shop.arrow import ArrowRows

# By the driver of the portable connection, whose address and session are known.
_ARROW = {"pysqlite": "syncd.shop.arrow_sqlite", "psycopg": "syncd.shop.arrow_postgresql"}


def opened(asked: Asked) -> Rows:
    """The statement's rows, by the quickest way that it can go.

    Arrow's driver reads on a connection of its own. Where it cannot read a statement, or
    fails before its first batch, the portable driver reads it, and says what is wrong.
    """
    arrow = _arrow(asked)
    if arrow is not None:
        try:
            arrow.open()
        except arrow.errors:
            arrow.close()
        else:
            return arrow
    rows = CursorRows(asked, _fetch(asked))
    rows.open()
    return rows


def _fetch(asked: Asked) -> Fetch:
    if asked.connection.dialect.driver != "pymysql":
        return fetched
    packets = import_module("syncd.shop.packets")
    return packets.batches if packets.known(asked.driver) else fetched


def _arrow(asked: Asked) -> ArrowRows | None:
    module = _ARROW.get(asked.connection.dialect.driver)
    if module is None:
        return None
    # Loaded by a read and not by a daemon that waits.
    source = import_module(module).source(asked)
    return None if source is None else import_module("syncd.shop.arrow").ArrowRows(source)
