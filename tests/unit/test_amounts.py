"""A member's value as it travels: a number from 0 up in whole cents, and nothing else."""

from __future__ import annotations

import math
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.identity.digest import Policy, digest
from syncd.identity.reasons import Reason
from syncd.identity.rules import META
from syncd.identity.steps import normalise, steps_named
from syncd.model import Fact, IdentifierKind

STEPS = steps_named(next(rule.steps for rule in META.fields if rule.field == "value"))
NUMBERS = st.just(0.0) | st.floats(1e-90, 1e15) | st.decimals(0, 10**12, places=4).map(str)


def made(value: object) -> str:
    answer = normalise(STEPS, str(value), None)
    assert isinstance(answer, str), value
    return answer


@given(NUMBERS)
def test_what_comes_out_goes_in_again_and_is_no_further_off_than_half_a_cent(
    value: float | str,
) -> None:
    once = made(value)
    assert made(once) == once
    assert abs(Decimal(once) - Decimal(str(value))) <= Decimal("0.005")
    assert -Decimal(once).as_tuple().exponent <= 2  # type: ignore[operator]  # a finite number


@given(NUMBERS, NUMBERS)
def test_the_order_of_values_stays(one: float | str, other: float | str) -> None:
    less, more = sorted((one, other), key=lambda value: Decimal(str(value)))
    assert Decimal(made(less)) <= Decimal(made(more))


@given(st.integers(0, 10**9), st.integers(1, 40))
def test_the_noise_of_floats_is_no_change(cents: int, parts: int) -> None:
    """A sum of orders in floats, in whichever order they were added up."""
    exact = Decimal(cents) / 100
    noisy = math.fsum([cents / 100 / parts] * parts)
    assert made(noisy) == made(sum([cents / 100 / parts] * parts)) == made(exact)


@given(
    st.floats(max_value=0, exclude_max=True, allow_nan=False)
    | st.sampled_from([math.nan, math.inf, -math.inf, "much", "5 EUR", "1,000", "-0"])
)
def test_what_is_no_amount_is_refused(value: object) -> None:
    assert normalise(STEPS, str(value), None) is Reason.NOT_AN_AMOUNT


@pytest.mark.parametrize("facts", [frozenset({Fact.VALUE}), frozenset[Fact]()])
@pytest.mark.parametrize("numbers", [True, False])
def test_a_column_of_values_is_in_every_row_or_in_none(
    facts: frozenset[Fact], *, numbers: bool
) -> None:
    """Refused by name where it is sent; where it is not, nobody looks at it."""
    worth = pa.array([1.5, None, 0.1 + 0.2, -4.0]) if numbers else ["1.50", " ", "0.3", "-4"]
    rows = pa.RecordBatch.from_pydict(
        {"customer_key": ["a", "b", "c", "d"], "email": ["a@b.nl"] * 4, "value": worth}
    )
    policy = Policy(META, frozenset({IdentifierKind.EMAIL}), None, 9, facts=facts)
    found = digest(rows, policy)
    cells = found.rows.column("value").to_pylist()
    assert cells == ([b"1.5", b"", b"0.3", b""] if facts else [None] * 4)
    refused = [(one.field, one.reason, one.count) for one in found.refused]
    assert refused == ([("value", "not a number from 0 up", 1)] if facts else [])
    assert found.rows.column("limited_data_use").null_count == 4
