"""Text as every platform's rules treat it: Unicode is decided here, once.

Databases and engines lower-case and trim each in their own way (dotted capital I, exotic
spaces), and another digest is another person: what is not printable ASCII is only ever
touched by the functions of this module.
"""

from __future__ import annotations

import re
import string
import unicodedata

import pyarrow as pa
import pyarrow.compute as pc

from syncd.identity import placeholders
from syncd.identity.reasons import Reason
from syncd.identity.step import Step, same, where, words

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

# MD5, SHA-1 and SHA-256 in hex, and SHA-256 in base64: nobody is called that.
_DIGEST = re.compile(r"(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64}|[A-Za-z0-9+/]{43}=)")
_DIGEST_LENGTHS = pa.array([32, 40, 44, 64], pa.int32())

_FAKE = words(placeholders.WORDS)

_TITLES = "mr|mrs|ms|miss|mx|dr|prof"
_ANY_CASE = re.IGNORECASE | re.ASCII  # else a long s is an s, and a dotless i an i
_TITLE = re.compile(rf"(?:{_TITLES})[.{BLANKS}]+(?=[^.{BLANKS}])", _ANY_CASE)
_SUFFIX = re.compile(rf"(?<=[^,{BLANKS}])[,{BLANKS}]+(?:jr|sr)\.?$", _ANY_CASE)
_PERHAPS_TITLED = rf"(?i)^(?:{_TITLES})[. ]|[ ,](?:jr|sr)[.]?$"


def holds_blank(text: str) -> bool:
    """Whether any white space is in a text, visible or not."""
    return any(character in BLANKS for character in text)


def looks_hashed(text: str) -> bool:
    """Whether a text is a digest already; a digest's digest matches nobody."""
    return _DIGEST.fullmatch(text) is not None


def nfc(value: str, _country: str | None) -> str:
    """One spelling for accents: composed."""
    return unicodedata.normalize("NFC", value)


def trim(value: str, _country: str | None) -> str:
    """Take white space from both ends."""
    return value.strip(BLANKS)


def lower(value: str, _country: str | None) -> str:
    """Lower-case as Unicode says; Google's own formatter is this very function."""
    return unicodedata.normalize("NFC", value.lower())


def no_space(value: str, _country: str | None) -> str:
    """Take out all white space."""
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


def no_punctuation(value: str, _country: str | None) -> str:
    """Take out punctuation and symbols."""
    return value.translate(_NO_PUNCTUATION)


def latin_only(value: str, _country: str | None) -> str:
    """Keep A to Z, a to z and digits; drop the rest before anything is lower-cased."""
    return "".join(one for one in value if one.isascii() and one.isalnum())


def _no_title(value: str, _country: str | None) -> str:
    bare = _TITLE.sub("", value, count=1) if _TITLE.match(value) else value
    return _SUFFIX.sub("", bare)


def _initial(value: str, _country: str | None) -> str:
    return value[:1]


def _not_hashed(value: str, _country: str | None) -> str | Reason:
    return Reason.HASHED if looks_hashed(value) else value


def _not_placeholder(value: str, _country: str | None) -> str | Reason:
    return Reason.PLACEHOLDER if value.lower() in placeholders.WORDS else value


def _short_not_hashed(values: pa.Array, _countries: pa.Array) -> pa.Array:
    return where(pc.invert(pc.is_in(pc.binary_length(values), _DIGEST_LENGTHS)), values)


def _short_not_placeholder(values: pa.Array, _countries: pa.Array) -> pa.Array:
    fake = pc.is_in(pc.ascii_lower(values), _FAKE)
    return where(pc.invert(fake), values)


def _short_no_title(values: pa.Array, _countries: pa.Array) -> pa.Array:
    return where(pc.invert(pc.match_substring_regex(values, _PERHAPS_TITLED)), values)


STEPS = {
    "nfc": Step("compose accents (Unicode NFC)", nfc, same),
    "trim": Step("trim white space", trim, lambda values, _: pc.ascii_trim(values, " ")),
    "lower": Step("lower-case", lower, lambda values, _: pc.ascii_lower(values)),
    "no_space": Step(
        "take out white space", no_space, lambda values, _: pc.replace_substring(values, " ", "")
    ),
    "no_punctuation": Step(
        "take out punctuation",
        no_punctuation,
        lambda values, _: pc.replace_substring_regex(values, "[^0-9A-Za-z ]", ""),
    ),
    "latin_only": Step(
        "keep A to Z and digits only",
        latin_only,
        lambda values, _: pc.replace_substring_regex(values, "[^0-9A-Za-z]", ""),
    ),
    "no_title": Step("take off a title or suffix (Mrs., Jr.)", _no_title, _short_no_title),
    "initial": Step(
        "keep the first letter",
        _initial,
        lambda values, _: pc.utf8_slice_codeunits(values, 0, 1),
    ),
    "not_hashed": Step("refuse what is hashed already", _not_hashed, _short_not_hashed),
    "not_placeholder": Step("refuse placeholders", _not_placeholder, _short_not_placeholder),
}
