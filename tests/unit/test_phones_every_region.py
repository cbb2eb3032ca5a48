"""Phones, by the column and one by one, are libphonenumber's answers in every region it knows.

The library itself is asked by the second opinion, in its own words: parse, possible, valid,
format. Nothing of `syncd.identity` stands between.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random, SystemRandom

import pyarrow as pa
import pytest

from syncd.identity import phones
from syncd.identity.dialling import e164_column
from syncd.identity.reasons import Reason
from tests.unit.identity_fields import RefusedError, phone
from tests.unit.phone_plans import BEYOND, REGIONS, Written, written

LEAST = 500  # of each region; the library takes 20 to 40 us a number


@dataclass(frozen=True, slots=True)
class Compared:
    """All numbers with three answers; the column's is None where it leaves it to the others.

    Attributes:
        alone: What `phones.e164` says: a number or the reason why it is none.
        library: The same, as the library says it.
    """

    seed: int
    numbers: list[Written]
    column: list[str | None]
    alone: list[str]
    library: list[str]

    def valid(self) -> list[bool]:
        """Which numbers are somebody's."""
        return [there.startswith("+") for there in self.library]

    def share(self, *forms: str) -> float:
        """How many of the numbers that are somebody's the column answers by itself."""
        asked = [
            made is not None
            for number, made, valid in zip(self.numbers, self.column, self.valid(), strict=True)
            if valid and (not forms or number.form in forms)
        ]
        return sum(asked) / len(asked)


@pytest.fixture(scope="module")
def compared() -> Compared:
    seed = SystemRandom().getrandbits(32)
    numbers = list(written(Random(seed), LEAST))
    texts = pa.array([number.text for number in numbers], pa.string())
    regions = pa.array([number.region for number in numbers], pa.string())
    return Compared(
        seed,
        numbers,
        e164_column(texts, regions).to_pylist(),
        [alone(number.text, number.region) for number in numbers],
        [library(number.text, number.region) for number in numbers],
    )


def alone(text: str, region: str | None) -> str:
    """As the product answers for one number."""
    answer = phones.e164(text, region)
    return answer.value if isinstance(answer, Reason) else answer


def library(text: str, region: str | None) -> str:
    """As the library answers."""
    try:
        return phone(text, region, "google")
    except RefusedError as why:
        return str(why)


def test_where_the_column_answers_the_library_says_the_same(
    compared: Compared, told: Callable[[str], None]
) -> None:
    both = zip(compared.numbers, compared.column, compared.library, strict=True)
    wrong = [
        (number, made, there) for number, made, there in both if made is not None and made != there
    ]
    told(
        f"seed {compared.seed}: {len(REGIONS)} regions and {len(BEYOND)} calling codes of none, "
        f"{len(compared.numbers):,} numbers, answered {compared.share():.1%}, "
        f"disagreements {len(wrong)}"
    )
    assert wrong[:5] == [], (compared.seed, len(wrong))


def test_one_by_one_the_library_says_the_same_and_for_the_same_reason(compared: Compared) -> None:
    both = zip(compared.numbers, compared.alone, compared.library, strict=True)
    wrong = [(number, made, there) for number, made, there in both if made != there]
    assert wrong[:5] == [], (compared.seed, len(wrong))


def test_every_region_is_there_in_every_form(compared: Compared) -> None:
    drawn = Counter(number.plan for number in compared.numbers)
    assert set(drawn) == {*REGIONS, *map(str, BEYOND)}
    assert len(REGIONS) >= 245
    assert min(drawn.values()) >= LEAST >= 500
    forms = Counter(number.form for number in compared.numbers)
    valid = Counter(
        number.form
        for number, there in zip(compared.numbers, compared.valid(), strict=True)
        if there
    )
    assert len(forms) >= 20
    assert min(forms.values()) > 1_000
    assert {form for form in forms if not valid[form]} <= {"IDD, zero behind"}


def test_the_column_answers_nearly_all_by_itself(compared: Compared) -> None:
    """Or the speed is gone and the test above would still pass."""
    assert compared.share() > 0.84
    assert compared.share("E.164", "E.164, separators") > 0.97
    assert compared.share("national", "national, separators") > 0.95


def test_it_answers_all_that_people_write_where_shops_are() -> None:
    ordinary = {
        "NL": ("+31 6 12345678", "06-12345678", "0031612345678", "(010) 123 4567"),
        "DE": ("+49 1512 3456789", "01512 3456789", "030-123456", "0049 1512 3456789"),
        "FR": ("+33 6 12 34 56 78", "06 12 34 56 78", "06.12.34.56.78"),
        "GB": ("+44 7400 123456", "07400 123456", "0121 234 5678"),
        "US": ("+1 201-555-0123", "(201) 555-0123", "1-201-555-0123", "011 44 7400 123456"),
        "ES": ("+34 612 34 56 78", "612 34 56 78"),
        "IT": ("+39 312 345 6789", "312 345 6789", "02 1234 5678"),
        "AT": ("+43 664 123456", "0664 123456"),
        "BE": ("+32 450 00 12 34", "0450 00 12 34", "tel:+32-450-00-12-34"),
    }
    for region, texts in ordinary.items():
        made = e164_column(pa.array(texts, pa.string()), pa.array([region] * len(texts)))
        assert made.to_pylist() == [library(text, region) for text in texts], region


def test_a_number_that_only_the_pattern_of_its_type_allows_is_no_number() -> None:
    """The library asks for the general pattern too, and Germany's fixed lines go beyond it."""
    texts = ["+494933850695226", "04933850695226", "+49 4941 123456"]
    made = e164_column(pa.array(texts), pa.array(["DE"] * 3)).to_pylist()
    assert made == [None, None, "+494941123456"]
    assert library(texts[0], None) == alone(texts[0], None) == "no such number"
