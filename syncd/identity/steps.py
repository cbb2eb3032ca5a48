"""The words of the rule sets: one canonical implementation each.

A step takes a text that is not empty and the member's country, and gives a text or a
reason. Databases and engines lower-case and trim Unicode each in their own way (dotted
capital I), and another digest is another person: text outside printable ASCII is
therefore only ever touched by the Python functions here. `shortcut` is the same step
over a column of printable ASCII, null where it would rather ask the Python one; tests
hold the two equal.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches

import pyarrow as pa
import pyarrow.compute as pc

from syncd.errors import ConfigError
from syncd.identity import phones, placeholders
from syncd.identity.countries import ISO_3166, REPAIRED
from syncd.identity.reasons import Reason

# All that Unicode counts as white space (str.isspace), and what shows nothing and comes
# along from spreadsheets and web pages: zero-width space, word joiner, byte order mark,
# direction marks, soft hyphen. The joiners U+200C and U+200D stay: Persian and Indian
# names are spelled with them.
BLANKS = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
    "\xad\u180e\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)
_NO_BLANKS = dict.fromkeys(map(ord, BLANKS))

_DIGEST = re.compile(r"[0-9a-fA-F]{64}")
_TWICE_AT = re.compile(r"@[^@]+@")
_NOT_IN_ADDRESS = re.compile(r'[\x00-\x1f\x7f()<>\[\],;:\\"@]')
_SURE_ADDRESS = r"^[a-z0-9_+'-]+(\.[a-z0-9_+'-]+)*@([a-z0-9-]+\.)+[a-z0-9-]+$"
_PERHAPS_FAKE = placeholders.SAID_TWICE | {
    address.partition("@")[0] for address in placeholders.ADDRESSES
}
_GMAIL = ("gmail.com", "googlemail.com")
_DIGEST_LENGTH = 64
_ZIP_LENGTH = 5
_SHORTEST_POSTCODE = 2


@dataclass(frozen=True, slots=True)
class Step:
    """A named step.

    Attributes:
        run: The canonical implementation; the country is ISO alpha-2 or None.
        shortcut: The same over a column of printable ASCII, with the countries beside
            it; null where the canonical one must be asked. None: always ask.
        needs_country: Whether the outcome depends on the country.
    """

    run: Callable[[str, str | None], str | Reason]
    shortcut: Callable[[pa.Array, pa.Array], pa.Array] | None = None
    needs_country: bool = False


def normalise(steps: Iterable[Step], raw: str, country: str | None) -> str | Reason | None:
    """Take one value through the steps.

    Returns:
        A text that is never empty; None where nothing was there; or why it is refused.
    """
    value = raw.strip(BLANKS)
    if not value:
        return None
    for step in steps:
        answer = step.run(value, country)
        if isinstance(answer, Reason):
            return answer
        if not answer:
            return Reason.NOTHING_LEFT
        value = answer
    return value


def steps_named(names: Iterable[str]) -> tuple[Step, ...]:
    """Look the steps of a rule up.

    Raises:
        ConfigError: There is no such step.
    """
    return tuple(_step(name) for name in names)


def _step(name: str) -> Step:
    if name in STEPS:
        return STEPS[name]
    near = get_close_matches(name, STEPS, n=1)
    hint = f"the nearest is {near[0]!r}" if near else f"there are {', '.join(sorted(STEPS))}"
    raise ConfigError(f"a rule names the step {name!r}, which does not exist; {hint}")


# --- text ---------------------------------------------------------------------


def _nfc(value: str, _country: str | None) -> str:
    """One spelling for accents: composed."""
    return unicodedata.normalize("NFC", value)


def _trim(value: str, _country: str | None) -> str:
    return value.strip(BLANKS)


def _lower(value: str, _country: str | None) -> str:
    """Lower-case as Unicode says; Google's own formatter is this very function."""
    return unicodedata.normalize("NFC", value.lower())


def _no_space(value: str, _country: str | None) -> str:
    return value.translate(_NO_BLANKS)


class _Punctuation(dict[int, str | None]):
    """For `str.translate`: drops the symbols of ASCII and all of Unicode's category P.

    Meta's own normaliser drops the ASCII ones; its guide says "no punctuation", and a
    typographic apostrophe is no more of a letter than a straight one.
    """

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        gone = character in string.punctuation or unicodedata.category(character)[0] == "P"
        answer = self[code] = None if gone else character
        return answer


_NO_PUNCTUATION = _Punctuation()


def _no_punctuation(value: str, _country: str | None) -> str:
    return value.translate(_NO_PUNCTUATION)


def _not_hashed(value: str, _country: str | None) -> str | Reason:
    """A digest's digest matches nobody."""
    return Reason.HASHED if _DIGEST.fullmatch(value) else value


def _not_placeholder(value: str, _country: str | None) -> str | Reason:
    return Reason.PLACEHOLDER if value.lower() in placeholders.WORDS else value


# --- fields -------------------------------------------------------------------


# In this order: the first that holds is the reason.
_FLAWS_OF_ADDRESS: tuple[tuple[Reason, Callable[[str, str], bool]], ...] = (
    (Reason.NO_DOMAIN, lambda _, domain: not domain),
    (Reason.SPACE_INSIDE, lambda local, domain: _holds_blank(local + domain)),
    (Reason.NOTHING_BEFORE_AT, lambda local, _: not local.strip(".")),
    (Reason.NOT_AN_ADDRESS, lambda local, domain: bool(_NOT_IN_ADDRESS.search(local + domain))),
    (Reason.NO_DOMAIN, lambda _, domain: "." not in domain or not all(domain.split("."))),
    (
        Reason.PLACEHOLDER,
        lambda local, domain: (
            f"{local}@{domain}" in placeholders.ADDRESSES
            or (local == domain.partition(".")[0] and local in placeholders.SAID_TWICE)
        ),
    ),
)


def _email(value: str, _country: str | None) -> str | Reason:
    """An address as a mail server would know it, already lower-case."""
    if _DIGEST.fullmatch(value):
        return Reason.HASHED
    if value in placeholders.EXCUSES:
        return Reason.PLACEHOLDER
    if _TWICE_AT.search(value):
        return Reason.TWO_ADDRESSES
    local, _, domain = value.partition("@")
    for reason, holds in _FLAWS_OF_ADDRESS:
        if holds(local, domain):
            return reason
    return value


def _holds_blank(text: str) -> bool:
    return any(character in BLANKS for character in text)


def _gmail(value: str, _country: str | None) -> str | Reason:
    """Google delivers with or without dots and +tag; googlemail is not rewritten."""
    local, _, domain = value.partition("@")
    if domain not in _GMAIL:
        return value
    local = local.partition("+")[0].replace(".", "")
    return f"{local}@{domain}" if local else Reason.NOTHING_BEFORE_AT


def _phone(value: str, country: str | None) -> str | Reason:
    if _DIGEST.fullmatch(value):
        return Reason.HASHED
    return phones.e164(value, country)


def _no_plus(value: str, _country: str | None) -> str:
    return value.removeprefix("+")


def _before_dash(value: str, _country: str | None) -> str:
    return value.partition("-")[0]


def _us_five(value: str, country: str | None) -> str | Reason:
    """Five digits in the US, whatever follows them; elsewhere as it is.

    Four digits are a lost leading zero, and hashed as they stand they match nobody.
    """
    if country != "US":
        return value
    five = value[:_ZIP_LENGTH]
    whole = len(five) == _ZIP_LENGTH and five.isascii() and five.isdigit()
    return five if whole else Reason.NOT_A_US_POSTCODE


def _two_or_more(value: str, _country: str | None) -> str | Reason:
    return value if len(value) >= _SHORTEST_POSTCODE else Reason.TOO_SHORT


def _country_code(value: str, _country: str | None) -> str | Reason:
    code = value.upper()
    code = REPAIRED.get(code, code)
    return code if code in ISO_3166 else Reason.NOT_A_COUNTRY


# --- shortcuts: printable ASCII only --------------------------------------------


def _where(sure: pa.Array, values: pa.Array) -> pa.Array:
    """The values of which it is sure; null for the others."""
    return pc.if_else(sure, values, pa.scalar(None, pa.string()))


def _words(words: Iterable[str]) -> pa.Array:
    return pa.array(sorted(words), pa.string())


def _same(values: pa.Array, _countries: pa.Array) -> pa.Array:
    return values


def _short_email(values: pa.Array, _countries: pa.Array) -> pa.Array:
    sure = pc.match_substring_regex(values, _SURE_ADDRESS)
    local = pc.replace_substring_regex(values, "@.*$", "")
    fake = pc.is_in(local, _words(_PERHAPS_FAKE))
    return _where(pc.and_not(sure, fake), values)


def _short_gmail(values: pa.Array, _countries: pa.Array) -> pa.Array:
    google = pc.match_substring_regex(values, r"@(gmail|googlemail)\.com$")
    local = pc.replace_substring_regex(values, r"(\+.*)?@.*$", "")
    local = pc.replace_substring(local, ".", "")
    domain = pc.replace_substring_regex(values, "^[^@]*@", "")
    bare = _where(pc.not_equal(local, ""), pc.binary_join_element_wise(local, domain, "@"))
    return pc.if_else(google, bare, values)


def _short_us_five(values: pa.Array, countries: pa.Array) -> pa.Array:
    american = pc.fill_null(pc.equal(countries, "US"), pa.scalar(False))
    return _where(
        pc.or_(pc.invert(american), pc.match_substring_regex(values, "^[0-9]{5}$")), values
    )


STEPS: dict[str, Step] = {
    "nfc": Step(_nfc, _same),
    "trim": Step(_trim, lambda values, _: pc.ascii_trim(values, " ")),
    "lower": Step(_lower, lambda values, _: pc.ascii_lower(values)),
    "no_space": Step(_no_space, lambda values, _: pc.replace_substring(values, " ", "")),
    "no_punctuation": Step(
        _no_punctuation,
        lambda values, _: pc.replace_substring_regex(values, "[^0-9A-Za-z ]", ""),
    ),
    "not_hashed": Step(
        _not_hashed,
        lambda values, _: _where(pc.not_equal(pc.binary_length(values), _DIGEST_LENGTH), values),
    ),
    "not_placeholder": Step(
        _not_placeholder,
        lambda values, _: _where(
            pc.invert(pc.is_in(pc.ascii_lower(values), _words(placeholders.WORDS))), values
        ),
    ),
    "email": Step(_email, _short_email),
    "gmail": Step(_gmail, _short_gmail),
    "phone": Step(_phone, needs_country=True),
    "no_plus": Step(_no_plus),
    "before_dash": Step(
        _before_dash, lambda values, _: pc.replace_substring_regex(values, "-.*$", "")
    ),
    "us_five": Step(_us_five, _short_us_five, needs_country=True),
    "two_or_more": Step(
        _two_or_more,
        lambda values, _: _where(
            pc.greater_equal(pc.binary_length(values), _SHORTEST_POSTCODE), values
        ),
    ),
    "country_code": Step(_country_code),
}
