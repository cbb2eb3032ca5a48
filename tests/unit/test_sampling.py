"""A segment in counts and shapes: against one value at a time, in any batches."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.identity.digest import Policy
from syncd.identity.masks import mask
from syncd.identity.reasons import Reason
from syncd.identity.rules import GOOGLE, META
from syncd.identity.sampling import EXAMPLES, FieldSample, Sample, warnings
from syncd.identity.steps import normalise, steps_named
from syncd.model import IdentifierKind, RuleSet

Row = Mapping[str, str | None]
COLUMNS = ("customer_key", "email", "email_2", "phone", "country", "first_name")
EMAILS = st.sampled_from(
    [None, "", "  ", "a@b.nl", "A@b.nl ", "a@b.nl\u200b", "none", "a@b.nl;c@d.nl", "x" * 40]
    + [f"person{n}@example.com" for n in range(6)]
    + ["ab" * 32, "d41d8cd98f00b204e9800998ecf8427e", "jan jansen@x.nl", "@x.nl", "josé@x.nl"]
)
PHONES = st.sampled_from([None, "+31612345678", "06 12345678", "0612345678", "123", "06", "n/a"])
COUNTRIES = st.sampled_from([None, "NL", "nl", "US", "Holland", ""])
NAMES = st.sampled_from([None, "jan", "Jan", "O\u2019Brien", "null", "--"])
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "email": EMAILS,
            "email_2": EMAILS,
            "phone": PHONES,
            "country": COUNTRIES,
            "first_name": NAMES,
        }
    ),
    max_size=40,
)


def policy(rules: RuleSet = META, default: str | None = None, *, prehashed: bool = False) -> Policy:
    return Policy(rules, frozenset(IdentifierKind), default, 10, prehashed)


def batch(rows: Sequence[Row], columns: Sequence[str] = COLUMNS) -> pa.RecordBatch:
    arrays = [pa.array([row.get(name) for row in rows], pa.string()) for name in columns]
    return pa.RecordBatch.from_arrays(arrays, names=list(columns))


def sampled(rows: Sequence[Row], made: Policy, columns: Sequence[str] = COLUMNS) -> Sample:
    sample = Sample(made)
    sample.add(batch(rows, columns))
    return sample


def field(sample: Sample, name: str) -> FieldSample:
    (found,) = (each for each in sample.fields() if each.field == name)
    return found


def counted(rows: Sequence[Row], made: Policy, name: str, columns: Sequence[str]) -> object:
    """One cell at a time."""
    kinds: Counter[str] = Counter()
    country_steps = steps_named(("trim", "country_code"))
    for row in rows:
        own = normalise(country_steps, row.get("country") or "", None)
        country = None if isinstance(own, Reason) else own or made.default_country
        for column in columns:
            raw = row.get(column) or ""
            answer = normalise(made.steps(name), raw, country)
            if isinstance(answer, Reason):
                kinds[answer.value] += 1
            elif answer is not None:
                kinds["plain" if answer == raw else "repaired"] += 1
    return kinds


@settings(deadline=None)  # numbers of a new region take a moment, once
@given(ROWS, st.sampled_from([META, GOOGLE]), st.sampled_from([None, "NL"]), st.integers(1, 40))
def test_counts_are_those_of_one_cell_at_a_time_however_batches_fall(
    rows: list[Row], rules: RuleSet, default: str | None, size: int
) -> None:
    made, whole = policy(rules, default), batch(rows)
    sample = Sample(made)
    for start in range(0, len(rows), size):
        sample.add(whole.slice(start, size))
    assert sample.rows == len(rows)
    for name, columns in (("email", ("email", "email_2")), ("phone", ("phone",))):
        if not rows:
            continue
        found = field(sample, name)
        kinds = Counter({"plain": found.as_they_stand, "repaired": found.repaired})
        kinds += Counter({each.reason.value: each.count for each in found.refused})
        assert kinds == counted(rows, made, name, columns)
        assert found.filled == sum(kinds.values())
        assert found.refused_cells == found.filled - found.as_they_stand - found.repaired
        for each in found.refused:
            assert 1 <= len(each.examples) <= EXAMPLES
            assert len(set(each.examples)) == len(each.examples)


def test_only_columns_that_the_segment_has_are_fields() -> None:
    sample = sampled([{"email": "a@b.nl"}], policy(), ("customer_key", "email", "first_name"))
    assert [each.field for each in sample.fields()] == [
        "email",
        "given_name",
        "first_initial",
    ]


def test_a_rare_reason_has_its_example_behind_many_others() -> None:
    rows = [{"email": f"person {n}@example.com"} for n in range(3000)]
    found = field(sampled([*rows, {"email": "a@b.nl;c@d.nl"}], policy()), "email")
    assert {each.reason: (each.count, each.examples) for each in found.refused} == {
        Reason.SPACE_INSIDE: (
            3000,
            ("xxxxxx 0@xxxxxxx.xxx", "xxxxxx 00@xxxxxxx.xxx", "xxxxxx 000@xxxxxxx.xxx"),
        ),
        Reason.TWO_ADDRESSES: (1, ("x@x.xx;x@x.xx",)),
    }


def test_what_is_kept_of_a_value_is_its_mask() -> None:
    """Also in the objects' own words: whoever logs a sample logs no value."""
    rows = [{"email": "Quirijn@Zwartvogelaar.nl"}, {"email": "Quirijn Zwartvogelaar"}]
    sample = sampled(rows, policy())
    assert field(sample, "email").repaired_examples == (mask("Quirijn@Zwartvogelaar.nl"),)
    said = repr((sample.fields(), vars(sample)))
    assert "Xxxxxxx@Xxxxxxxxxxxxx.xx" in said
    assert "quirijn" not in said.lower()


# --- what looks wrong ---------------------------------------------------------------


def noted(rows: Sequence[Row], made: Policy, columns: Sequence[str] = COLUMNS) -> list[str]:
    return list(warnings({"meta": sampled(rows, made, columns)}))


def people(count: int, **cells: str) -> list[Row]:
    return [{"customer_key": f"c:{n}", **cells} for n in range(count)]


@pytest.mark.parametrize(
    ("rows", "made", "said"),
    [
        (
            people(6, phone="06 12345678") + people(4, phone="+31612345678"),
            policy(),
            (
                "meta: phone: 6 of 10 (60%) have no country code, and no country to dial from: set "
                "shop.default_country, or let the segment give a country"
            ),
        ),
        (
            people(6, phone="06 12345678", country="Holland") + people(4, phone="+31612345678"),
            policy(default="NL"),
            (
                "meta: phone: 6 of 10 (60%) have no country code, and no country to dial from: the "
                "country that these members have cannot be read, so NL does not apply: mend column "
                "country"
            ),
        ),
        (
            people(1, email="ab" * 32) + people(9, email="a@b.nl"),
            policy(),
            (
                "meta: email: 1 of 10 (10%) are hashed already: if your shop stores SHA-256, set "
                "`prehashed: true` on the segment (SQL of your own only)"
            ),
        ),
        (
            people(1, postcode="ab" * 32) + people(9, postcode="1012 AB"),
            policy(),
            (
                "meta: postcode: 1 of 10 (10%) are hashed already: this field is needed in clear: "
                "let the segment give the value itself"
            ),
        ),
        (
            people(3, email="none") + people(7, email="a@b.nl"),
            policy(),
            (
                "meta: email: 3 of 10 (30%) are refused, 3 of them for `placeholder`: mend the "
                "column, or the SQL of the segment"
            ),
        ),
        (
            people(10, email="a@b.nl"),
            policy(prehashed=True),
            (
                "meta: email: 10 of 10 (100%) are refused, 10 of them for `not 64 lower-case "
                "hexadecimal digits`: `prehashed: true` promises SHA-256 in lower-case hex; where "
                "the shop holds the values themselves, take it off the segment"
            ),
        ),
        (
            people(10, email=" "),
            policy(),
            (
                "meta: email: empty in all 10 rows: does the segment's SQL select the right column "
                "as email?"
            ),
        ),
    ],
)
def test_what_looks_wrong_is_said_with_numbers_and_the_way_on(
    rows: list[Row], made: Policy, said: str
) -> None:
    columns = {name for row in rows for name in row}
    assert said in noted(rows, made, sorted(columns))


@pytest.mark.parametrize(
    ("rows", "made"),
    [
        (people(5, phone="06 12345678") + people(5, phone="+31612345678", country="BE"), "NL"),
        (people(2, email="none") + people(8, email="A@B.NL "), None),
        (people(10, email=hashlib.sha256(b"a").hexdigest()), "prehashed"),
    ],
)
def test_what_is_only_repaired_or_rare_is_not_wrong(rows: list[Row], made: str | None) -> None:
    columns = {name for row in rows for name in row}
    chosen = policy(prehashed=True) if made == "prehashed" else policy(default=made)
    assert noted(rows, chosen, sorted(columns)) == []


def test_what_two_platforms_find_alike_is_said_once() -> None:
    rows = people(10, email="none")
    found = warnings({"meta": sampled(rows, policy()), "google": sampled(rows, policy(GOOGLE))})
    assert [note.partition(":")[0] for note in found if "email: 10" in note] == ["meta and google"]
