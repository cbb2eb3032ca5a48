"""Columns against one row at a time, and each shortcut against its step."""

from __future__ import annotations

from collections import Counter
from random import SystemRandom

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.identity import steps
from syncd.identity.columns import normalised
from syncd.identity.digest import Digested
from syncd.identity.reasons import Reason
from syncd.identity.rules import GOOGLE, META
from syncd.model import FACT_CELLS, ID_CELLS, ROW_COLUMNS, Detail, Fact
from tests.bench.agreement import FIELDS, agreement, differing
from tests.unit.identity_reference import EMPTY_DIGEST, Row, digest_row
from tests.unit.identity_values import ANYTHING, BY_FIELD, ROWS, digested, refusals

COUNTRIES = st.sampled_from([None, "US", "NL", "GB", "CA"])


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
    details=st.booleans(),
    facts=st.booleans(),
)
def test_columns_give_what_one_row_at_a_time_gives(
    rows: list[dict[str, str | None]],
    platform: str,
    default: str | None,
    *,
    details: bool,
    facts: bool,
) -> None:
    beside = frozenset(Detail) if details else frozenset[Detail]()
    said = frozenset(Fact) if facts else frozenset[Fact]()
    made = digested(rows, platform, default=default, details=beside, facts=said)
    expected = [digest_row(row, platform, default, details=details, facts=facts) for row in rows]
    assert_same(made, expected)
    for name in (each for each in ROW_COLUMNS if each not in FACT_CELLS):
        plain = name in ID_CELLS or (platform == "google" and name in {"postcode", "country"})
        for cell in filter(lambda cell: cell is not None, made.rows.column(name).to_pylist()):
            assert cell != EMPTY_DIGEST
            assert len(cell) > 0 if plain else len(cell) == 32


@pytest.mark.parametrize(("platform", "field"), FIELDS)
def test_a_field_comes_out_as_the_second_opinion_has_it(platform: str, field: str) -> None:
    """The million a field is a command: `python -m tests.bench.agreement`."""
    seed = SystemRandom().getrandbits(32)
    print(f"seed {seed}")
    found = agreement(platform, field, 20_000, seed)
    assert found.disagreements == 0, (seed, found.examples)
    assert 0 < found.refused < found.values


@settings(max_examples=400, deadline=None)
@given(data=st.data(), which=st.sampled_from(FIELDS))
def test_a_field_comes_out_so_of_whatever_hypothesis_thinks_of(
    data: st.DataObject, which: tuple[str, str]
) -> None:
    values = BY_FIELD.get(which[1], ANYTHING) | ANYTHING
    chunk = data.draw(st.lists(st.tuples(values, COUNTRIES), min_size=1, max_size=12))
    assert differing(*which, chunk) == []


@settings(max_examples=600, deadline=None)
@given(
    values=st.lists(ANYTHING, min_size=1, max_size=20),
    country=COUNTRIES,
    name=st.sampled_from(sorted(steps.STEPS)),
)
def test_a_shortcut_is_its_step_or_says_nothing(
    values: list[str], country: str | None, name: str
) -> None:
    """Each step alone, also where no rule would put it."""
    step = steps.STEPS[name]
    countries = pa.array([country] * len(values), pa.string())
    made = normalised([step], pa.array(values, pa.string()), countries)
    answers = [steps.normalise([step], value, country) for value in values]
    texts = [answer if isinstance(answer, str) else None for answer in answers]
    assert made.texts().to_pylist() == texts
    assert made.reasons == Counter(answer for answer in answers if isinstance(answer, Reason))


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
