"""Hysteresis: a segment that asks less of whoever stays a member than of who becomes one.

Near a line people come and go by chance: a refund, somebody else's order, a day that passed.
Each move is a removal and an addition on a platform, and no change in anybody. So a segment may
have a second set of values, by which a member stays one. One query asks for both sets: who would
only stay is marked, and remains where an audience has them. What an audience has is the
memory; there is no other, and nobody who is in none enters by the wider line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from syncd.errors import ConfigError
from syncd.model import STAYS
from syncd.segments.base import BIND
from syncd.segments.macros import Expansion
from syncd.segments.parameters import Value
from syncd.segments.shipped import Segment, definition, values_of


def staying(
    segment: Segment, expansion: Expansion, given: Mapping[str, object], views: str
) -> tuple[str, dict[str, object]]:
    """A segment's own SQL for both: 0 for who becomes a member, 1 for who would only stay one.

    Of a customer's two rows the lower one counts. Macros of the former are left to expand.

    Args:
        segment: One of the catalogue.
        expansion: With the values by which one becomes a member.
        given: Those by which one stays.
        views: The base views that it uses, one each for both halves, their macros not expanded.

    Returns:
        The SQL, and what the binds stand for that only its second half has.

    Raises:
        ConfigError: A value is unknown, out of bounds, or cannot differ; or none differs.
    """
    if segment.instead:
        raise ConfigError(f"{segment.name} takes no `stay`: a model chooses its members")
    own, values = definition(segment.name), values_of(segment, given)
    changed = [name for name, value in values.items() if value != expansion.parameters[name]]
    if not changed:
        raise ConfigError(f"{segment.name}: `stay` says what `with` and the defaults say already")
    for name in changed:
        if _shared(views, expansion, {**expansion.parameters, name: values[name]}):
            raise ConfigError(
                f"{segment.name}: `stay` cannot have a {name} of its own: both would read the same "
                "orders by it; give another value to one of the other parameters"
            )
    wider = replace(expansion, parameters=values, binds={})
    asked, value = wider.expand(own), ", value" if segment.value else ""
    binds = {**values, **wider.binds}
    asked = BIND.sub(lambda one: f":stay_{one[1]}" if one[1] in binds else one[0], asked)
    union = (
        f"SELECT customer_key{value}, 0 AS {STAYS} FROM (\n{own}) entering\nUNION ALL\n"
        f"SELECT customer_key{value}, 1 AS {STAYS} FROM (\n{asked}) staying\n"
    )
    return union, {f"stay_{bind}": value for bind, value in binds.items()}


def _shared(views: str, expansion: Expansion, values: Mapping[str, Value]) -> bool:
    """Whether base views, of which there is one for both, would say others by other values."""
    found = []
    for given in (expansion.parameters, values):
        one = replace(expansion, parameters=given, binds={})
        text = one.expand(views)
        found.append((text, {**given, **one.binds}))
    asked = set(BIND.findall(found[0][0]))
    (before, here), (after, there) = found
    return before != after or any(here.get(bind) != there.get(bind) for bind in asked)
