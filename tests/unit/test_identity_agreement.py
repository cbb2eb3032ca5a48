"""Columns against one row at a time, and each shortcut against its step."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.identity import steps
from syncd.identity.columns import normalised
from syncd.identity.digest import Digested
from syncd.identity.rules import GOOGLE, META
from syncd.model import ROW_COLUMNS
from tests.unit.identity_reference import EMPTY_DIGEST, Row, digest_row
from tests.unit.identity_values import ASCII, EMAILS, NAMES, POSTCODES, ROWS, digested, refusals


def assert_same(made: Digested, expected: list[Row]) -> None:
    for name in ROW_COLUMNS:
        assert made.rows.column(name).to_pylist() == [row.cells[name] for row in expected], name
    for name in ("consent", "region", "usable"):
        assert made.rows.column(name).to_pylist() == [getattr(row, name) for row in expected], name
    counted: Counter[tuple[str, str]] = Counter()
    for row in expected:
        counted += row.refused
    assert refusals(made) == counted


@settings(max_examples=250, deadline=None)
@given(
    rows=st.lists(ROWS, max_size=8),
    platform=st.sampled_from(["meta", "google"]),
    default=st.sampled_from([None, "NL", "US"]),
)
def test_columns_give_what_one_row_at_a_time_gives(
    rows: list[dict[str, str | None]], platform: str, default: str | None
) -> None:
    made = digested(rows, platform, default=default)
    assert_same(made, [digest_row(row, platform, default) for row in rows])
    for name in ROW_COLUMNS:
        plain = platform == "google" and name in {"postcode", "country"}
        for cell in filter(lambda cell: cell is not None, made.rows.column(name).to_pylist()):
            assert cell != EMPTY_DIGEST
            assert len(cell) > 0 if plain else len(cell) == 32


@settings(max_examples=400, deadline=None)
@given(
    values=st.lists(st.one_of(EMAILS, NAMES, POSTCODES, ASCII), min_size=1, max_size=20),
    country=st.sampled_from([None, "US", "NL"]),
    name=st.sampled_from([name for name, step in steps.STEPS.items() if step.shortcut]),
)
def test_a_shortcut_is_its_step_or_says_nothing(
    values: list[str], country: str | None, name: str
) -> None:
    """Each step alone, also where no rule would put it."""
    step = steps.STEPS[name]
    countries = pa.array([country] * len(values), pa.string())
    made = normalised([step], pa.array(values, pa.string()), countries).texts().to_pylist()
    answers = [steps.normalise([step], value, country) for value in values]
    assert made == [answer if isinstance(answer, str) else None for answer in answers]


def test_ordinary_values_take_the_shortcut() -> None:
    """Or the speed is gone and every test above would still pass."""
    ordinary = {
        "email": ["jane.doe@example.com", "Jane.Doe+X@GMAIL.com", " x_y@mail.example.org "],
        "given_name": ["Jane", "O'Brien", "van der Berg"],
        "postcode": ["1234 AB", "94107-1234", "75001"],
    }
    for rules in (META, GOOGLE):
        for rule in (rule for rule in rules.fields if rule.field in ordinary):
            chain = steps.steps_named(rule.steps)
            values = pa.array([value.strip() for value in ordinary[rule.field]], pa.string())
            countries = pa.array(["NL", "NL", "NL"], pa.string())
            for step in chain:
                assert step.shortcut is not None
                values = step.shortcut(values, countries)
            assert values.null_count == 0, (rules.name, rule.field)
