"""What a step is: a named, canonical function, and the same over a column where that is sure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from syncd.identity.reasons import Reason

_NOTHING = pa.scalar(None, pa.string())
_NO = pa.scalar(False)


@dataclass(frozen=True, slots=True)
class Step:
    """A word of the rule sets.

    Attributes:
        does: What it does, for a person who reads `syncd identity explain`.
        run: The canonical implementation: a text that is not empty and the member's
            country (ISO alpha-2 or None) to a text or the reason why it is refused.
        shortcut: The same over a column of printable ASCII, with the countries beside
            it; null where the canonical one must be asked. None: always ask.
        needs_country: Whether the outcome depends on the country.
    """

    does: str
    run: Callable[[str, str | None], str | Reason]
    shortcut: Callable[[pa.Array, pa.Array], pa.Array] | None = None
    needs_country: bool = False


def where(sure: pa.Array, values: pa.Array) -> pa.Array:
    """The values of which a shortcut is sure; null for the others."""
    return values if pc.all(sure).as_py() else pc.if_else(sure, values, _NOTHING)


def changed(
    values: pa.Array, concerned: pa.Array, change: Callable[[pa.Array], pa.Array]
) -> pa.Array:
    """The values, those that it concerns as `change` makes them; they are few."""
    concerned = pc.fill_null(concerned, _NO)
    few = values.filter(concerned)
    return pc.replace_with_mask(values, concerned, change(few)) if len(few) else values


def words(of: Iterable[str]) -> pa.Array:
    """Words as a column, to look values up in."""
    return pa.array(sorted(of), pa.string())


def same(values: pa.Array, _countries: pa.Array) -> pa.Array:
    """The shortcut of a step that leaves printable ASCII as it is."""
    return values
