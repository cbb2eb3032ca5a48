"""A lift as the page says it: how much more, between what and what, and how sure that is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from syncd.segments.lift import Lift, lift
from syncd.web.lifts import number, percent, said
from syncd.web.worth import ArmTold, ComparedTold, IntervalTold


def compared(times: IntervalTold | None, orders: IntervalTold, members: int = 900) -> ComparedTold:
    arm = ArmTold(members, 80, 100, 2_000.0)
    return ComparedTold(arm, arm, IntervalTold(0.02, -0.01, 0.05), orders, orders, times, times)


UNSURE = IntervalTold(0.02, -0.003, 0.045)


@pytest.mark.parametrize(
    ("found", "orders", "verdict"),
    [
        (
            compared(IntervalTold(0.041, -0.005, 0.089), UNSURE),
            (
                "4.1 % more orders a member, between \N{MINUS SIGN}0.5 % and 8.9 %: not sure yet, "
                "chance may be all there is"
            ),
            "not sure yet",
        ),
        (
            compared(IntervalTold(0.2, 0.1, 0.3), IntervalTold(0.1, 0.05, 0.15)),
            "20.0 % more orders a member, between 10.0 % and 30.0 %: hardly by chance",
            "more orders",
        ),
        (
            compared(IntervalTold(-0.2, -0.3, -0.1), IntervalTold(-0.1, -0.15, -0.05)),
            (
                "20.0 % fewer orders a member, between \N{MINUS SIGN}30.0 % and "
                "\N{MINUS SIGN}10.0 %: hardly by chance"
            ),
            "fewer orders",
        ),
        (
            compared(IntervalTold(0.2, 0.1, 0.3), IntervalTold(0.1, 0.05, 0.15), members=99),
            "20.0 % more orders a member, between 10.0 % and 30.0 %: too few to say much",
            "too few to say",
        ),
        (
            compared(None, UNSURE),
            "orders a member: the other side bought too little to say how much more or less",
            "not sure yet",
        ),
    ],
)
def test_a_lift_is_said_with_its_interval_and_no_surer_than_it_is(
    found: ComparedTold, orders: str, verdict: str
) -> None:
    told = said(found)
    assert (told.orders, told.verdict) == (orders, verdict)
    assert told.buyers.startswith("2.0 more buyers in a hundred members, between \N{MINUS SIGN}1.0")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(-0.0001, "0.0"), (1234.5, "1,234"), (-12.34, "\N{MINUS SIGN}12.3"), (0, "0.0")],
)
def test_a_figure_is_written_as_people_do(value: float, shown: str) -> None:
    assert number(value) == shown
    assert percent(value / 100) == f"{shown} %"


@given(st.integers(2, 300), st.integers(2, 300), st.integers(0, 2**32 - 1))
def test_what_is_kept_of_a_lift_is_what_the_page_is_told(one: int, other: int, seed: int) -> None:
    """Through JSON, as the ledger has it: every figure, and a verdict no surer than Welch's."""
    random = np.random.default_rng(seed)
    arms = [random.poisson(0.4, members).astype(np.float64) for members in (one, other)]
    found = lift((arms[0], arms[0] * 20), (arms[1], arms[1] * 20))
    kept = TypeAdapter(Lift).dump_json(found)
    told = TypeAdapter(ComparedTold).validate_json(kept)
    assert (told.exposed.members, told.control.members) == (one, other)
    assert (told.exposed.orders, told.control.orders) == (arms[0].sum(), arms[1].sum())
    assert (told.orders.low, told.orders.high) == (found.orders.low, found.orders.high)
    if said(told).verdict in {"more orders", "fewer orders"}:
        assert not found.orders.by_chance
        assert min(one, other) >= 100
