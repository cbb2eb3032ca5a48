"""Match rates as both of Google's APIs state them, in our words.

No vendor package is imported here.
"""

from __future__ import annotations

import re

from syncd.model import MatchRate

_BAND = re.compile(
    r"MATCH_(?:RATE_)?RANGE_(?:LESS_THAN|(?P<least>[0-9]{1,2})_TO)_(?P<most>[0-9]+)\Z"
)
_ALL = 100  # percent


def of_band(name: str) -> MatchRate | None:
    """Of an upload: `MATCH_RANGE_81_TO_90` or `MATCH_RATE_RANGE_LESS_THAN_20`.

    None where Google says that it does not know, and of a band that it added since.
    """
    found = _BAND.match(name)
    least, most = (int(found["least"] or 0), int(found["most"])) if found else (1, 0)
    return MatchRate(least, most) if least <= most <= _ALL else None


def of_list(percentage: int) -> MatchRate | None:
    """Of a whole list; None of what is no percentage."""
    return MatchRate(percentage, percentage) if 0 <= percentage <= _ALL else None
