"""Values for the parameters that a shipped segment cannot do without."""

from __future__ import annotations

from dataclasses import replace

from syncd.model import SegmentQuery
from syncd.segments import Segment, Words

_SAMPLES: dict[str, object] = {
    "windows": ["11-20/12-24", "12-27/01-05"],
    "category": "/home",
    "bought": "candles",
    "not_bought": "Coffee",
    "products": ["S1", "s2"],
    "countries": ["NL", "de"],
    "home": "NL",
    "currencies": ["SEK"],
    "currency": "EUR",
    "languages": ["nl"],
    "sources": ["google"],
    "threshold": 50.0,
    "cluster": 1,
}


def required(segment: Segment) -> dict[str, object]:
    """What must be given, of the words that have choices the first."""
    return {
        parameter.name: parameter.choices[0]
        if isinstance(parameter, Words) and parameter.choices
        else _SAMPLES[parameter.name]
        for parameter in segment.parameters
        if parameter.required
    }


def ended(query: SegmentQuery) -> SegmentQuery:
    """A query that can be asked as it stands: every row of a scored segment, with its figures."""
    if query.scoring is None:
        return query
    return replace(query, parameters={**query.parameters, "until": query.scoring.today + 1})
