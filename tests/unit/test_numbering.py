"""Numbering plans: all of libphonenumber's data is of the kind that we read, and read right."""

from __future__ import annotations

import re
from random import Random

import pytest
from phonenumbers import PhoneMetadata

from syncd.identity import numbering
from syncd.identity.patterns import Patterns, State, alternatives
from tests.unit.phone_plans import BEYOND, REGIONS, TYPES, needed


def metadata() -> list[tuple[str, PhoneMetadata]]:
    return [
        *((name, needed(PhoneMetadata.metadata_for_region(name))) for name in REGIONS),
        *((str(code), needed(PhoneMetadata.metadata_for_nongeo_region(code))) for code in BEYOND),
    ]


def walked(patterns: Patterns, text: str) -> State | None:
    """The state after a text of digits."""
    state: State | None = patterns.start()
    for digit in text:
        state = None if state is None else patterns.following(state)[int(digit)]
    return state


def test_every_calling_code_has_a_table() -> None:
    """So every pattern is understood; a table of no valid number would be one misread."""
    codes = list(numbering.calling_codes())
    for code in codes:
        start = numbering.PLANS.start(code)
        assert numbering.PLANS.bits[start] == 0
        assert numbering.PLANS.steps[start].any()
    assert (numbering.PLANS.bits & numbering.VALID).sum() > len(codes)
    assert not any(one != other and other.startswith(one) for one in codes for other in codes)


def test_a_state_ends_nowhere_but_in_its_own_table() -> None:
    numbering.PLANS.start("31")
    numbering.PLANS.start("1")
    steps = numbering.PLANS.steps
    assert (steps[0] == 0).all()
    assert (steps[:, numbering.END] == range(len(steps))).all()
    assert steps.max() < len(numbering.PLANS.bits) == len(steps)


def test_every_region_has_a_plan() -> None:
    for name, found in metadata():
        plan = numbering.region(name)
        assert (plan is None) == name.isdigit()
        assert plan is None or plan.code == str(found.country_code)
        assert numbering.main_region(str(found.country_code)).main
    assert numbering.region("AQ") is None


def test_no_type_of_number_is_left_out() -> None:
    """The types that make a number valid, by the library's own data."""
    described = {
        name
        for name, value in vars(PhoneMetadata.metadata_for_region("GB")).items()
        if hasattr(value, "national_number_pattern")
    }
    assert described - {"general_desc", "no_international_dialling"} <= set(TYPES)


@pytest.mark.parametrize(
    "pattern",
    [
        r"\d{8}",
        r"[2-9]\d{2}",
        r"1\d?|2\d{3,5}",
        r"(?:1|23)\d{2}",
        r"(?:1\d)?2(?:34?|5)",
        r"(?:12){2,3}",
        r"1(?:[02-4]|5[1-39])",
        r"((12)|3)4{0,2}",
        "1|12|123",
    ],
)
def test_a_pattern_matches_what_it_matches_elsewhere(pattern: str) -> None:
    patterns = Patterns()
    patterns.add(0, pattern)
    patterns.add(1, pattern, beginning=True)
    rng = Random(1)
    for _ in range(3_000):
        text = "".join(rng.choices("12345", k=rng.randrange(1, 9)))
        state = walked(patterns, text)
        matched = patterns.matched(state) if state else frozenset()
        assert (0 in matched) == bool(re.fullmatch(pattern, text)), text
        if state is not None:
            begun = any(re.fullmatch(pattern, text[:end]) for end in range(1, len(text) + 1))
            assert (1 in state.passed) == begun, text


@pytest.mark.parametrize("pattern", [r"\d+", "1*", "(?!1)2", "a", "1(?=2)", "^1"])
def test_a_pattern_of_another_kind_is_not_guessed_at(pattern: str) -> None:
    with pytest.raises(ValueError, match="a pattern of another kind"):
        Patterns().add(0, pattern)


@pytest.mark.parametrize(
    ("pattern", "parts"),
    [
        ("0", ["0"]),
        ("0|180020", ["0", "180020"]),
        (r"([457]\d{6})$|1", [r"([457]\d{6})$", "1"]),
        ("00|99(?:[01469]|5(?:1|3))", ["00", "99(?:[01469]|5(?:1|3))"]),
        ("[08]|a", ["[08]", "a"]),
    ],
)
def test_alternatives_are_those_that_stand_in_no_bracket(pattern: str, parts: list[str]) -> None:
    assert alternatives(pattern) == parts
