"""A lift in words: how much more, between what and what, and whether that is sure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from syncd.web.worth import ComparedTold, IntervalTold

Tone = Literal["good", "bad", "warn", "idle"]


@dataclass(frozen=True, slots=True)
class Said:
    """A comparison as a person reads it.

    Attributes:
        orders, revenue, buyers: A sentence each.
        verdict: What to make of the orders, in a few words; the tone is what one sees first.
    """

    orders: str
    revenue: str
    buyers: str
    verdict: str
    tone: Tone


def said(found: ComparedTold) -> Said:
    """A comparison in words."""
    verdict, tone = _verdict(found)
    return Said(
        orders=_share(found.times_orders, "orders a member", ("more", "fewer"), few=found.few),
        revenue=_share(found.times_revenue, "revenue a member", ("more", "less"), few=found.few),
        buyers=_points(found.conversion, few=found.few),
        verdict=verdict,
        tone=tone,
    )


def _verdict(found: ComparedTold) -> tuple[str, Tone]:
    if found.few:
        return "too few to say", "idle"
    if found.orders.by_chance:
        return "not sure yet", "warn"
    return ("more orders", "good") if found.orders.value > 0 else ("fewer orders", "bad")


def _share(one: IntervalTold | None, what: str, more: tuple[str, str], *, few: bool) -> str:
    """How much more, as a share of what the other side has."""
    if one is None:
        return f"{what}: the other side bought too little to say how much more or less"
    word = more[0] if one.value >= 0 else more[1]
    spread = f"between {percent(one.low)} and {percent(one.high)}"
    return f"{percent(abs(one.value))} {word} {what}, {spread}: {_sure(one, few=few)}"


def _points(one: IntervalTold, *, few: bool) -> str:
    word = "more" if one.value >= 0 else "fewer"
    low, high = (number(end * 100) for end in (one.low, one.high))
    return (
        f"{number(abs(one.value) * 100)} {word} buyers in a hundred members, between {low} and "
        f"{high}: {_sure(one, few=few)}"
    )


def _sure(one: IntervalTold, *, few: bool) -> str:
    if few:
        return "too few to say much"
    return "not sure yet, chance may be all there is" if one.by_chance else "hardly by chance"


def percent(share: float) -> str:
    """A share in percent, with a minus that is one."""
    return f"{number(share * 100)} %"


def number(value: float) -> str:
    """A figure with one decimal, or none from a thousand on."""
    shown = f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:,.1f}"  # noqa: PLR2004
    return shown.replace("-", "\N{MINUS SIGN}") if shown.strip("-0.,") else shown.lstrip("-")
