"""Writing an overlay: what has changed since a base was written, see `layers`."""

from __future__ import annotations

import duckdb
import numpy as np
import numpy.typing as npt

from syncd.membership.blocks import BlockReader, BlockWriter
from syncd.membership.engine import BATCH_ROWS, Positions, column
from syncd.membership.held import GENERATION
from syncd.membership.layers import BELOW, DEAD, TURNED, Layers, into_base, lowest, positions
from syncd.membership.since import CHANGED
from syncd.membership.unchanged import Respelled

_STAYS = -1  # in `held_row`: the file of rows that are not written anew

Flags = npt.NDArray[np.bool_]


class Outgrown(Exception):
    """What changed is too much for an overlay; nothing of it was kept."""


class Overlay:
    """An overlay that is being written, and what becomes of the base's rows."""

    def __init__(self, before: BlockReader, respelled: Respelled, *, most: int) -> None:
        """Begin with what the last generation said of them.

        Args:
            before: The last generation: the base itself, or an overlay over it.
            respelled: Rows of the last generation whose fingerprints change.
            most: How many rows may have changed.
        """
        rows = lowest(before).rows("rows")
        none = np.empty(0, np.int64)
        layers = before if isinstance(before, Layers) else None
        self._before = layers.dead if layers else none
        self._live = rows - len(self._before)
        self._dead, self._turned = np.zeros(rows, np.bool_), np.zeros(rows, np.bool_)
        self._dead[self._before] = True
        self._turned[layers.turned if layers else none] = True
        self._respelled = respelled.at[respelled.at < self._live]
        self._most = most

    def leave(self, database: duckdb.DuckDBPyConnection, loaded: Flags) -> None:
        """Take out of what is written all rows that may stay in the base.

        Args:
            database: With the tables of `syncd.membership.held`, after the fold.
            loaded: Flags of the last generation's rows that were loaded.
        """
        database.register("respelled", positions(self._respelled))
        try:
            database.execute(
                f"UPDATE held_row SET file = {_STAYS} WHERE file = {GENERATION} "
                f"AND n < {self._live} AND n NOT IN (SELECT n FROM respelled) "
                f"AND r NOT IN ({CHANGED})"
            )
        finally:
            database.unregister("respelled")
        gone = loaded[: self._live].copy()
        gone[column(database, f"SELECT n FROM held_row WHERE file = {_STAYS}")] = False
        self._leave(gone)
        turned = f"SELECT n FROM held_row WHERE file = {_STAYS} AND current <> was"
        self._turned[self._base(column(database, turned))] ^= True

    def stir(self, database: duckdb.DuckDBPyConnection, writer: BlockWriter) -> None:
        """Say which rows that stay are not at rest; after `held.write_held`.

        Raises:
            Outgrown: Too much has changed.
        """
        moving = f"SELECT n FROM held_row WHERE file = {_STAYS} AND r IN (FROM stirred) ORDER BY n"
        _write(writer, BELOW, self._base(column(database, moving)))
        self._weigh(writer)

    def resting(self, rests: Flags) -> Flags:
        """Of the last generation's rows at rest, flags of those that are to be written."""
        written = rests.copy()
        written[: self._live] = False
        written[self._respelled] = rests[self._respelled]
        self._leave(written[: self._live])
        return written

    def finish(self, writer: BlockWriter) -> None:
        """Say what became of the base's rows; last of all.

        Raises:
            Outgrown: Too much has changed, or nothing is left.
        """
        _write(writer, DEAD, np.flatnonzero(self._dead))
        _write(writer, TURNED, np.flatnonzero(self._turned & ~self._dead))
        self._weigh(writer)
        if self._dead.all() and not writer.rows("rows"):
            raise Outgrown  # of an audience that is empty nothing is kept

    def _weigh(self, writer: BlockWriter) -> None:
        if int(self._dead.sum()) + writer.rows("rows") > self._most:
            raise Outgrown

    def _leave(self, gone: Flags) -> None:
        """Let live rows of the base be dead."""
        self._dead[self._base(np.flatnonzero(gone))] = True

    def _base(self, live: Positions) -> Positions:
        return into_base(self._before, live)


def _write(writer: BlockWriter, section: str, at: Positions) -> None:
    for first in range(0, len(at), BATCH_ROWS):
        writer.write(section, positions(at[first : first + BATCH_ROWS]))
