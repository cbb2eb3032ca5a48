"""What was looked for among all rows of a file, and where it was found."""

from __future__ import annotations

import numpy as np

from syncd.membership.engine import Positions
from syncd.membership.known import Known, distinct_names

MOST = 200_000  # names of either sort: of more, a second look costs little beside the rest


class Looked:
    """Which rows of a file have one of the names that anybody looked for.

    A plan looks for whoever is joined to what changed, and the fold that takes it in looks for
    the same: all names of ten million are read once for both.
    """

    def __init__(self) -> None:
        """Nobody looked yet."""
        self._keys, self._ids = Known(distinct_names([])), Known(distinct_names([]))
        self._rows = np.empty(0, np.int64)

    def add(self, keys: Known, ids: Known, rows: Positions) -> None:
        """Remember these names, unless they are many, and all rows that have any of them."""
        if max(len(keys.ordered), len(ids.ordered), len(rows)) > MOST:
            return
        self._keys = Known(distinct_names([self._keys.ordered, keys.ordered]))
        self._ids = Known(distinct_names([self._ids.ordered, ids.ordered]))
        self._rows = np.union1d(self._rows, rows)

    def rows(self, keys: Known, ids: Known) -> Positions | None:
        """Positions, ascending, of all rows that have any of these names, and perhaps of others.

        None: not all of them were looked for.
        """
        told = self._keys.has(keys.ordered).all() and self._ids.has(ids.ordered).all()
        return self._rows if told else None
