"""A value as a person may see it: every sign of it, or its shape and nothing else."""

from __future__ import annotations

import re
import unicodedata
from itertools import accumulate

LONGEST = 40  # characters of a mask that are shown

# Without ink, and yet neither a blank nor a control character to Unicode: fillers of Hangul
# and Braille, Khmer's inherent vowels, joiners and variation selectors
# (DerivedCoreProperties, Default_Ignorable_Code_Point; U+2800 is a blank by its looks).
_INKLESS = frozenset(
    map(
        chr,
        (
            *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0),
            *range(0x180B, 0x1810),
            *range(0xFE00, 0xFE10),
            *range(0xE0100, 0xE01F0),
        ),
    )
)
_SHORT = {"\t": r"\t", "\n": r"\n", "\r": r"\r", "\\": r"\\"}
_JAMO = range(0x1100, 0x1200)  # written apart, shown together

# Signs that say how a value was written and nothing of whose it is: those of ASCII, and what
# word processors make of them.
_SIGNS = frozenset("!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~ \u2018\u2019\u201c\u201d\u2013\u2014\uff0b")

# Digests, device ids and tokens: which of their places hold letters and which digits is as
# good as a name, so of these a mask keeps the length alone.
_LONG = re.compile(r"[0-9A-Za-z+/=_-]{20,}")

_MARK, _OTHER = "\u25cc", "\u25a1"  # a dotted circle, an empty square
_BEYOND = "\uffff"


def visible(value: str) -> str:
    r"""All of a value, with what shows nothing, or not itself, as an escape.

    Blanks, controls and joiners become `\u200b` and the like; so do accents written apart
    from their letter, since with it they look like the one that is composed.
    """
    whole = unicodedata.is_normalized("NFC", value)
    return "".join(
        _escaped(one) if _hidden(one) or _apart(one, first=not at, whole=whole) else one
        for at, one in enumerate(value)
    )


def mask(value: str) -> str:
    """The shape of a value: `Xxxxx.x@xxxxx.xx` of an address, `+00 0 00000000` of a phone.

    A letter of any script is an x, capital where it is one, an accent apart from it a dotted
    circle, a digit a 0; usual signs and blanks stay, unseen ones as escapes; all else is a
    square. In 20 and more letters and digits on end all are alike. At most `LONGEST`
    characters. A value of zeros and signs is its own shape.
    """
    shapes = [_masked(one) for one in _LONG.sub(_alike, value)[: LONGEST + 1]]
    if sum(map(len, shapes)) <= LONGEST:
        return "".join(shapes)
    ends = accumulate(map(len, shapes))  # an escape is shown whole or not at all
    return "".join(one for one, end in zip(shapes, ends, strict=True) if end < LONGEST) + "\u2026"


def _alike(found: re.Match[str]) -> str:
    """A long run with one letter for all of its letters and digits, unless all are digits."""
    run = found[0]
    if not any(map(str.isalpha, run)):
        return run
    return re.sub("[0-9A-Za-z+/_]", "X" if run == run.upper() else "x", run)


def _masked(one: str) -> str:
    category = unicodedata.category(one)
    if category[0] == "L" and one not in _INKLESS:
        return "X" if category in {"Lu", "Lt"} else "x"
    if category[0] == "N":
        return "0"
    if one in _SIGNS:
        return one
    # Beyond the first plane stand signs that spell a text unseen (tags, private use).
    if _hidden(one) and category not in {"Cn", "Co", "Cs"} and one <= _BEYOND:
        return _escaped(one)
    return _MARK if category[0] == "M" else _OTHER


def _hidden(one: str) -> bool:
    """Whether a character shows nothing; the backslash counts, since it begins an escape."""
    return one == "\\" or not one.isprintable() or one in _INKLESS


def _apart(one: str, *, first: bool, whole: bool) -> bool:
    """Whether a character looks like another, or joins what stands before it."""
    mark = unicodedata.category(one)[0] == "M"
    if (first and mark) or not unicodedata.is_normalized("NFC", one):
        return True
    return not whole and (mark or ord(one) in _JAMO)


def _escaped(one: str) -> str:
    code = ord(one)
    if one in _SHORT:
        return _SHORT[one]
    if code <= 0xFF:  # noqa: PLR2004 - as many digits as Python writes
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if one <= _BEYOND else f"\\U{code:08x}"
