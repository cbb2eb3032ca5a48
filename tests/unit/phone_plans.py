"""Numbers by the numbering plan of every region, in every form that people write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    REGION_CODE_FOR_NON_GEO_ENTITY,
    SUPPORTED_REGIONS,
    PhoneMetadata,
)

from syncd.identity import placeholders

TYPES = (
    *("premium_rate", "toll_free", "shared_cost", "voip", "personal_number", "pager", "uan"),
    *("voicemail", "fixed_line", "mobile"),
)
REGIONS = sorted(SUPPORTED_REGIONS)
BEYOND = sorted(
    code
    for code, regions in COUNTRY_CODE_TO_REGION_CODE.items()
    if regions == (REGION_CODE_FOR_NON_GEO_ENTITY,)
)
_DIGITS = "0123456789"
_PREFIXES = ("0", "00", "000", "1", "8", "+0", "+1", "+", "011", "++")


@dataclass(frozen=True, slots=True)
class Written:
    """A number as somebody wrote it.

    Attributes:
        plan: The region or the calling code that it was drawn from.
        form: How it is written.
        region: Where it is dialled.
    """

    plan: str
    form: str
    text: str
    region: str


def written(rng: Random, least: int) -> Iterator[Written]:
    """At least so many of each region, and of each calling code that belongs to none."""
    for region in REGIONS:
        metadata = needed(PhoneMetadata.metadata_for_region(region))
        yield from _of_plan(rng, least, metadata, region)
        yield from _made_up(rng, metadata, region)
    for code in BEYOND:
        metadata = needed(PhoneMetadata.metadata_for_nongeo_region(code))
        yield from _of_plan(rng, least, metadata, None)


def needed(metadata: PhoneMetadata | None) -> PhoneMetadata:
    assert metadata is not None
    return metadata


def patterns(metadata: PhoneMetadata) -> list[str]:
    """What numbers of each type look like."""
    kinds = [getattr(metadata, name) for name in TYPES]
    return [kind.national_number_pattern for kind in kinds if kind and kind.national_number_pattern]


# --- forms ------------------------------------------------------------------------


def _of_plan(
    rng: Random, least: int, metadata: PhoneMetadata, region: str | None
) -> Iterator[Written]:
    """Numbers of one plan; without a region they are dialled from anywhere."""
    grown = [_Pattern(pattern).whole for pattern in patterns(metadata)]
    count = 0
    while count < least:
        number = rng.choice(grown).drawn(rng)
        for form, text in _forms(rng, number, metadata):
            elsewhere = region is None or form == "dialled elsewhere" or rng.random() < 0.05
            at = rng.choice(REGIONS) if elsewhere or region is None else region
            yield Written(region or str(metadata.country_code), form, text, at)
            count += 1


def _forms(rng: Random, number: str, metadata: PhoneMetadata) -> Iterator[tuple[str, str]]:
    code, prefix = str(metadata.country_code), metadata.national_prefix or ""
    other = _mutated(rng, number)
    yield "E.164", f"+{code}{number}"
    yield "E.164, separators", f"+{code} {_spaced(rng, number)}"
    yield "E.164, brackets", f"(+{code}) {number}"
    yield "E.164, national prefix", f"+{code}{prefix}{number}"
    yield "E.164, (0)", f"+{code} ({prefix or 0}){_spaced(rng, number)}"
    yield "E.164, mutated", f"+{code}{other}"
    yield "URI", f"tel:+{code}{_spaced(rng, number)}"
    yield "URI, national", f"tel:{prefix}{number}"
    yield "URI, mutated", f"tel:{rng.choice(' +t;')}{code}{other}"
    yield "national", f"{prefix}{number}"
    yield "national, separators", _spaced(rng, f"{prefix}{number}")
    yield "national, mutated", f"{prefix}{other}"
    yield "national, prefix twice", f"{prefix}{prefix}{number}"
    yield "no prefix", number
    yield "no prefix, separators", _spaced(rng, number)
    yield "no prefix, mutated", other
    yield "calling code, no plus", f"{code}{number}"
    yield "calling code, no plus, prefix", f"{code}{prefix}{number}"
    yield "calling code, no plus, mutated", f"{code} {other}"
    for idd in _idds(metadata):
        yield "IDD", f"{idd}{code}{number}"
        yield "IDD, separators", f"{idd} {code} {_spaced(rng, number)}"
        yield "IDD, mutated", f"{idd}{code}{other}"
        yield "IDD, zero behind", f"{idd}0{code}{number}"
        yield "IDD, zero behind", f"{idd}0{number}"
    yield "dialled elsewhere", f"{prefix}{number}"
    yield "dialled elsewhere", number
    yield "too short", f"+{code}{number[:-1]}"
    yield "too short", f"{prefix}{number[:-1]}"
    yield "too long", f"+{code}{number}{rng.choice(_DIGITS)}"
    yield "too long", f"{prefix}{number}{rng.choice(_DIGITS)}"
    yield "another prefix", rng.choice(_PREFIXES) + number


def _idds(metadata: PhoneMetadata) -> list[str]:
    """What is dialled there before a calling code, and what is dialled in most places."""
    own = (metadata.international_prefix, metadata.preferred_international_prefix)
    return sorted({"00", "011"} | {prefix for prefix in own if prefix and prefix.isdigit()})


def _made_up(rng: Random, metadata: PhoneMetadata, region: str) -> Iterator[Written]:
    """What fingers type to get past a form, and numbers of one region led as another's."""
    code, prefix = str(metadata.country_code), metadata.national_prefix or ""
    for text in sorted(placeholders.COUNTED_UP):
        yield Written(region, "counted up", text, region)
        yield Written(region, "counted up", f"{text[:3]}-{text[3:]}", region)
        yield Written(region, "counted up", f"+{code}{text}", region)
    for digit in _DIGITS:
        for size in (7, 8, 9, 10):
            yield Written(region, "all alike", f"+{code}{digit * size}", region)
            yield Written(region, "all alike", f"{prefix}{digit * size}", region)
    if metadata.leading_digits:
        yield from _led(rng, metadata, region)


def _led(rng: Random, metadata: PhoneMetadata, region: str) -> Iterator[Written]:
    """Numbers that are valid in some region of the calling code and begin as this one's do."""
    code = needed(metadata).country_code
    leading = _Pattern(str(metadata.leading_digits)).whole
    grown = [
        _Pattern(pattern).whole
        for other in COUNTRY_CODE_TO_REGION_CODE[int(str(code))]
        for pattern in patterns(needed(PhoneMetadata.metadata_for_region(other)))
    ]
    for _ in range(60):
        first = leading.drawn(rng)
        number = first + rng.choice(grown).drawn(rng)[len(first) :]
        yield Written(region, "led as another's", f"+{code}{number}", region)
        yield Written(region, "led as another's", number, region)


def _spaced(rng: Random, digits: str) -> str:
    out = "".join(d + (rng.choice(" -.") if rng.random() < 0.2 else "") for d in digits)
    if rng.random() < 0.2:
        out = f"({out[:3]}){out[3:]}"
    return out.strip()


def _mutated(rng: Random, number: str) -> str:
    at = rng.randrange(len(number))
    return number[:at] + rng.choice(_DIGITS) + number[at + 1 :]


# --- patterns -----------------------------------------------------------------------

_TOKENS = re.compile(r"\\d|\d|\[[^]]*\]|\((?:\?:)?|[|)]|\{\d+(?:,\d+)?\}|\?")


@dataclass(slots=True)
class _Repeated:
    """One of several sequences, so many times; a digit is a sequence of itself."""

    choices: list[str | list[_Repeated]]
    least: int = 1
    most: int = 1

    def drawn(self, rng: Random) -> str:
        return "".join(self._once(rng) for _ in range(rng.randint(self.least, self.most)))

    def _once(self, rng: Random) -> str:
        chosen = rng.choice(self.choices)
        return chosen if isinstance(chosen, str) else "".join(one.drawn(rng) for one in chosen)


class _Pattern:
    """A pattern of libphonenumber's, grown into something numbers can be drawn from."""

    def __init__(self, pattern: str) -> None:
        self._tokens = iter(_TOKENS.findall(pattern))
        self.whole = self._group()

    def _group(self) -> _Repeated:
        """Up to the bracket that closes it, or the end."""
        sequence: list[_Repeated] = []
        choices: list[str | list[_Repeated]] = [sequence]
        for token in self._tokens:
            if token == ")":
                break
            if token == "|":
                sequence = []
                choices.append(sequence)
            elif token == "?":
                sequence[-1].least = 0
            elif token.startswith("{"):
                least, _, most = token[1:-1].partition(",")
                sequence[-1].least, sequence[-1].most = int(least), int(most or least)
            elif token.startswith("("):
                sequence.append(self._group())
            else:
                sequence.append(_Repeated([*_digits(token)]))
        return _Repeated(choices)


def _digits(token: str) -> str:
    """What a set stands for: a digit, any digit, or those listed."""
    if token == r"\d":
        return _DIGITS
    return re.sub(
        r"(\d)-(\d)", lambda found: _DIGITS[int(found[1]) : int(found[2]) + 1], token.strip("[]")
    )
