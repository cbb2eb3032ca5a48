"""What people see of values: all of them, or their shape alone."""

from __future__ import annotations

import base64
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.identity.masks import LONGEST, mask, visible
from syncd.identity.text import BLANKS

TEXTS = st.text(max_size=60)


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        ("Jan.Jansen@example.nl", "Jan.Jansen@example.nl"),
        ("ab\u200bc\xa0d\t\ufeff", r"ab\u200bc\xa0d\t\ufeff"),
        ("Ame\u0301lie", r"Ame\u0301lie"),
        ("Amélie", "Amélie"),
        ("\u212bke", r"\u212bke"),  # the sign of the unit, which looks like the letter
        ("निरज", "निरज"),
        ("\u1112\u1161\u11ab", r"\u1112\u1161\u11ab"),
        ("\u0301x", r"\u0301x"),
        ("\u3164", r"\u3164"),
        ("a\x1b[31mb", r"a\x1b[31mb"),
        ("a\U000e0061", r"a\U000e0061"),
        (r"a\u200b", r"a\\u200b"),
    ],
)
def test_what_does_not_show_is_shown(value: str, seen: str) -> None:
    assert visible(value) == seen


@given(TEXTS, TEXTS)
def test_different_values_never_look_the_same(one: str, other: str) -> None:
    assert (visible(one) == visible(other)) == (one == other)
    assert visible(one).isprintable()


@given(TEXTS)
def test_a_value_and_its_composed_form_look_different_if_they_are(value: str) -> None:
    composed = unicodedata.normalize("NFC", value)
    assert value == composed or "\\" in visible(value)


@pytest.mark.parametrize("blank", [each for each in BLANKS if each != " "])
def test_each_blank_that_is_no_space_shows(blank: str) -> None:
    assert "\\" in visible(f"a{blank}b")
    assert "\\" in mask(f"a{blank}b")


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ("Jan.Jansen+7@Example.nl", "Xxx.Xxxxxx+0@Xxxxxxx.xx"),
        ("+31 (0)6-1234\u20135678", "+00 (0)0-0000\u20130000"),
        ("O\u2019Brien\u200b", "X\u2019Xxxxx\\u200b"),
        ("Ame\u0301lie", "Xxx\u25ccxxx"),
        ("李小龙 ١٢", "xxx 00"),
        ("ÅSA ǅ", "XXX X"),
        ("☎5😀\U000e0061\ue000\ufffe", "□0□□□□"),
        ("a" * 41, "x" * 39 + "…"),
        ("a" * 40, "x" * 40),
        ("ab12" * 16, "x" * 39 + "…"),
        ("AB12" * 16, "X" * 39 + "…"),
        ("AEBE52E7-03EE-455A-B3C4-E57283966239", "XXXXXXXX-XXXX-XXXX-XXXX-XXXXXXXXXXXX"),
        ("anne " * 7 + "ab12" * 16, "xxxx " * 7 + "xxxx…"),
        ("1234567890 1234567890123456789012", "0000000000 0000000000000000000000"),
        ("a" * 37 + "\u200b", "x" * 37 + "…"),
        ("a" * 34 + "\u200b", "x" * 34 + "\\u200b"),
        ("", ""),
    ],
)
def test_a_mask_is_the_shape_alone(value: str, shape: str) -> None:
    assert mask(value) == shape


@given(st.binary(min_size=16, max_size=32), st.binary(min_size=16, max_size=32))
def test_all_digests_of_one_length_have_one_mask(one: bytes, other: bytes) -> None:
    """Which places of a digest hold letters would tell one person's from all others."""
    other = (other * 2)[: len(one)]
    hexes = {mask(f"g{each.hex()}") for each in (one, other)}
    assert len(hexes) == 1
    tokens = {mask(f"x{base64.b64encode(each).decode()}") for each in (one, other)}
    assert len(tokens) == 1


def disguised(one: str) -> str:
    """Another character of the same kind."""
    category = unicodedata.category(one)
    if category[0] == "L":
        return "Q" if category in {"Lu", "Lt"} else "q"
    return "7" if category[0] == "N" else one


# But for what Unicode calls letters and nobody sees.
@given(st.text(st.characters(exclude_characters="\u115f\u1160\u3164\uffa0"), max_size=60))
def test_a_mask_tells_no_letter_and_no_digit(value: str) -> None:
    assert mask("".join(map(disguised, value))) == mask(value)
    assert len(mask(value)) <= LONGEST
