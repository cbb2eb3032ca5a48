"""Names that are known, and which of many others are among them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from syncd.membership.engine import Positions
from syncd.membership.names import Names

Flags = npt.NDArray[np.bool_]

_ENDS = 1 << 22  # 4 MB: what a core keeps at hand
_MOST = _ENDS // 8  # of more names, too many have last bits that others have as well
_APART = 64  # so many times the names there are ends, while that is no more


class Known:
    """Names in order, and whether others are among them."""

    def __init__(self, ordered: Names) -> None:
        """Take each name once, in order."""
        self.ordered = ordered
        self._ends: Flags | None = None  # which last bits any of them has, once it is asked
        self._last = np.uint64(0)  # those bits

    def has(self, names: Names) -> Flags:
        """Which of some names they are."""
        found = np.zeros(len(names), np.bool_)
        found[self._at(names)] = True
        return found

    def any(self, lines: Names) -> Flags:
        """Which of some lines have a name that is among them."""
        found = np.zeros(len(lines), np.bool_)
        if lines.size:
            found[self._at(lines.ravel()) // lines.shape[1]] = True
        return found

    def _at(self, flat: Names) -> Positions:
        """Where the names are that are among them."""
        if not len(self.ordered):
            return np.empty(0, np.int64)
        likely = self._likely(flat)
        names = flat[likely]
        at = np.searchsorted(self.ordered, names)
        at[at == len(self.ordered)] = 0
        return np.asarray(likely[self.ordered[at] == names], np.int64)

    def _likely(self, flat: Names) -> Positions:
        """Where they may be: of many that are asked for, few are looked up."""
        if len(self.ordered) > _MOST:
            return np.arange(len(flat))
        if self._ends is None:
            count = 1 << min((len(self.ordered) * _APART).bit_length(), _ENDS.bit_length() - 1)
            self._last = np.uint64(count - 1)
            self._ends = np.zeros(count, np.bool_)
            self._ends[self.ordered & self._last] = True
        return np.flatnonzero(self._ends[(flat & self._last).view(np.int64)])


class Pool:
    """Names, and whether others are among them."""

    def __init__(self) -> None:
        self._known = Known(np.empty(0, np.uint64))
        self._added: list[Names] = []

    def add(self, names: Names) -> None:
        """Put in some more; they count after `settle`."""
        if names.size:
            self._added.append(np.unique(names))

    def settle(self) -> bool:
        """Let what was put in count; says whether any of it was not known."""
        if not self._added:
            return False
        before = len(self)
        self._known = Known(distinct_names([self._known.ordered, *self._added]))
        self._added = []
        return len(self) > before

    def beside(self, names: Names) -> Known:
        """What it knows, and these names, which are ordered."""
        return Known(distinct_names([self._known.ordered, names])) if len(names) else self._known

    def any(self, lines: Names) -> Flags:
        """Which of some lines have a name that it knows."""
        return self._known.any(lines)

    def __len__(self) -> int:
        return len(self._known.ordered)


def distinct_names(parts: Sequence[Names]) -> Names:
    """Each name once, in order, without the one that stands for none."""
    found: Names = np.unique(np.concatenate([np.empty(0, np.uint64), *parts]))
    return np.asarray(found[found != 0], np.uint64)


def in_order(parts: list[Names]) -> Names:
    """All names in order, in one copy: the parts are let go."""
    found = np.concatenate([np.empty(0, np.uint64), *parts])
    parts.clear()
    found.sort()
    return found
