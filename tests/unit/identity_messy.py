"""Messy values by the million, from a seed: what shops hold, and what no shop should."""

from __future__ import annotations

import json
import string
import unicodedata
from collections.abc import Callable
from random import Random

from syncd.identity import placeholders
from syncd.identity.countries import CANADIAN_PROVINCES, ISO_3166, US_STATES
from syncd.identity.proof import SHIPPED

Value = tuple[str, str | None]

COUNTRIES = (
    *(None, None, "NL", "NL", "US", "US", "GB", "GB", "DE", "FR", "CA", "IT", "BR", "IN", "MX"),
    *("JP", "AR", "BE", "AU", "SE", "CH", "HU", "RU", "AQ"),
)

# What breaks normalising: white space of all kinds, marks, letters whose case is special,
# letters that only look like ASCII, digits of other scripts, and what files are cut at.
NASTY = (
    " \t\n\r\x0b\x1f\x00\x7f\x85\xa0\u1680\u2003\u2028\u202f\u3000\xad\u200b\u200c\u200d\u200e"
    "\u2060\ufeff\u180e\u0301\u0308\u0327\u0345-\u2010\u2013\u2212.,;:'\u2019\u02bc`\xb4\"@+()[]{}<>/\\|_#*=&%$!?~^"
    "\u0130\u0131\xdf\u1e9e\u017f\u212a\xc5\u03c2\u03a3\u01c5\ufb01\xe9\xc9\xf1\xf8\u0142\u0110"
    "\u6f22\ud55c\u0645\u062d\u0416\u0430\uff10\uff19\uff41\uff3a\u0663\u06f4\u0966\xb2\xbd\u20ac"
    "\U0001f600\U00010400"
)
ASCII = "".join(map(chr, range(128)))
_FULL_WIDTH = str.maketrans({c: ord(c) + 0xFEE0 for c in string.ascii_letters + string.digits})
_SPECIAL = {"#": string.digits, "?": string.ascii_lowercase, "%": "0123456789abcdef"}


def _list(written: str) -> tuple[str, ...]:
    """Entries with a bar between them."""
    return tuple(written.split("|"))


_NAMES = _list(
    "jane|mary|anne-marie|o'brien|van der berg|de la cruz|müller|josé|łukasz|ipek|"
    "İpek|weiß|nguyễn|smith|d\u2019arc|li|田中|محمد|שלמה|mr. jan|mrs jane|dr.jo|"
    "doe jr.|doe, sr|prof|null|test|na|j.|3rd"
)
_DOMAINS = _list(
    "example.com|example.org|example.net|gmail.com|googlemail.com|mail.example.nl|"
    "test.com|xn--strae-oqa.example|localhost|example..com|bücher.example|gmail.co"
)
_CITIES = _list(
    "Menlo Park|Den Haag|'s-Hertogenbosch|St. Gallen|Köln|São Paulo|New York|"
    "İstanbul|Łódź|Москва|東京|2nd City|Washington, D.C.|Unknown|n/a"
)
# A number sign is a digit, a percent sign a hexadecimal one, a question mark a letter.
_TEMPLATES = {
    "phone": _list(
        "06########|06-########|+316########|+31 6 ########|0031 6 ########|"
        "(0##) ### ####|+1 (###) ###-####|1-###-###-####|(555) ###-####|###.###.####|"
        "07700 900###|+44 (0)20 7946 0###|+4420########|0049 15## #######|0########|"
        "+##########|+############|##########|00###########|011###########|#####|"
        "tel:+31-6-####-####|+39 06 #######|+55 11 9####-####|+### ### ### ### x##|"
        "########/########|06########;06########|+7 9## ###-##-##|8 9## #######"
    ),
    "postcode": _list(
        "#####|#####-####|#####|#### ??|####??|??# #??|??## #??|??#? #??|?# #??|"
        "?#? #?#|##-###|###-####|####-###|#####-###|#########|####|#|?|??"
    ),
    "birth_date": _list(
        "19##-0#-1#|19##-1#-2#|20##-0#-0#|####-##-##|19##/0#/2#|19##0#1#|19######|"
        "0#-1#-19##|1#.0#.19##|2#/0#/20##|0#/0#/19##|##/##/####|3#-1#-19##|#.#.19##|"
        "19##-0#-1#T##:##:##Z|19##-0#-1# ##:##:##|born 1#.1#.19##|##-##-##|####|"
        "########|19##年0#月1#日|1900-01-0#|0000-00-0#|####-##-##-##|########T######|"
        "## ##"
    ),
    "value": _list(
        "##.##|##.#0|###|0.##|#.###|##.#########|#.##5|.##|#.|0##.##|+#.#|#e#|#.#e-#|##E+#|#e##|#,##|-#|"
        "#.###,##|€##|0|0.00|0.0e#|######################|#.#.#|#e###"
    ),
    "country": _list("??|??|??|???|?|##|??_??"),
    "gender": _list("?|??|#|???"),
    "limited_data_use": _list("#|?|??|#.#|-#"),
    "device_id": ("-".join("%" * n for n in (8, 4, 4, 4, 12)), "%" * 32, "%" * 31, "0" * 31 + "#"),
    "external_id": (*_list("c:####|######|?##-??#|% #|-##|#.#|0000"), "%" * 16, "%" * 64),
    "prehashed": ("%" * 64, "%" * 64, "%" * 63, "%" * 65, "%" * 32, "%" * 40, "0x" + "%" * 62),
}
_WORDS: dict[str, tuple[str, ...]] = {
    "email": tuple(sorted(placeholders.EXCUSES)),
    "phone": tuple(sorted(placeholders.EXCUSES | placeholders.COUNTED_UP)),
    "gender": tuple(sorted(placeholders.MALE | placeholders.FEMALE)),
    "country": tuple(sorted(ISO_3166)),
    "limited_data_use": ("0", "1", "true", "FALSE", "t", "F", "Yes", "no", "y", "N", "ja", "on"),
    "city": _CITIES,
    "region": (*_CITIES, *US_STATES, *CANADIAN_PROVINCES, *US_STATES.values(), "Noord-Holland"),
    "given_name": _NAMES,
}
_SAME_AS = {"family_name": "given_name", "first_initial": "given_name"} | dict.fromkeys(
    ("birth_year", "birth_month", "birth_day"), "birth_date"
)


class Messy:
    """Draws values of one field, with a country each."""

    def __init__(self, platform: str, field: str, rng: Random) -> None:
        name = field if platform == "any" else f"{platform}_{field}"
        held = json.loads((SHIPPED / f"{name}.json").read_text("utf-8"))["vectors"]
        self._vectors: list[Value] = [(one["input"], one.get("country")) for one in held]
        kind = _SAME_AS.get(field, field)
        self._templates = _TEMPLATES.get(kind, ())
        self._words = (*_WORDS.get(kind, ()), *sorted(placeholders.WORDS))
        self._plain = self._email if field == "email" else self._ordinary
        self._rng = rng

    def draw(self) -> Value:
        """One value: half of them ordinary, a quarter vectors a little off, the rest worse."""
        rng = self._rng
        if rng.random() < 0.25:
            value, country = rng.choice(self._vectors)
            for _ in range(rng.randrange(4)):
                value = self._changed(value)
            return value, country if rng.random() < 0.8 else rng.choice(COUNTRIES)
        return self._drawn(rng.random()), rng.choice(COUNTRIES)

    def _drawn(self, chance: float) -> str:
        """What is no vector; the higher the chance, the messier."""
        rng = self._rng
        if chance < 0.85:
            value = self._plain()
            if chance > 0.70:
                return self._changed(value)
            return self._dressed(value) if chance > 0.45 else value
        if chance < 0.98:
            letters = NASTY if chance < 0.93 else ASCII
            return "".join(rng.choices(letters, k=rng.randrange(14)))
        return "".join(self._letter() for _ in range(rng.randrange(8)))

    def _letter(self) -> str:
        """Any character but half of a surrogate pair, which no text in UTF-8 holds."""
        code = self._rng.randrange(0x110000 - 0x800)
        return chr(code if code < 0xD800 else code + 0x800)

    def _ordinary(self) -> str:
        rng = self._rng
        if self._templates and (len(self._words) < 20 or rng.random() < 0.75):
            return self._filled(rng.choice(self._templates))
        word = rng.choice(self._words)
        return f"{word} {rng.choice(self._words)}" if rng.random() < 0.1 else word

    def _email(self) -> str:
        rng = self._rng
        if rng.random() < 0.05:
            return rng.choice(self._words)
        name = rng.choice(_NAMES).replace(" ", rng.choice(("", ".", "_", "+")))
        behind = self._filled(rng.choice(("", "#", ".##", "+??", "...", "##")))
        return f"{name}{behind}@{rng.choice(_DOMAINS)}"

    def _filled(self, template: str) -> str:
        choice = self._rng.choice
        return "".join(choice(_SPECIAL[c]) if c in _SPECIAL else c for c in template)

    def _dressed(self, value: str) -> str:
        """As somebody else would have typed it: still the same value for the most part."""
        return self._rng.choice(_DRESSES)(value)

    def _changed(self, value: str) -> str:
        """A character gone, new, doubled or another; or the value cut, twice, or dressed."""
        rng = self._rng
        at = rng.randrange(len(value) + 1)
        before, here, behind = value[:at], value[at : at + 1], value[at + 1 :]
        match rng.randrange(8):
            case 0:
                here = rng.choice(("", here * 2))
            case 1 | 2:
                here = rng.choice(NASTY)
            case 3:
                here += rng.choice(NASTY)
            case 4:
                here += rng.choice(string.printable)
            case 5:
                here, behind = here.swapcase(), rng.choice(("", behind.swapcase()))
            case 6:
                behind += rng.choice((" ", ",", ";", "/", "|", "\n", "")) + value
            case _:
                return self._dressed(value)
        return before + here + behind


_DRESSES: tuple[Callable[[str], str], ...] = (
    str.upper,
    str.lower,
    str.title,
    str.swapcase,
    lambda value: f" {value}",
    lambda value: f"{value} ",
    lambda value: f"\u00a0{value}\u200b",
    lambda value: f"\ufeff\t{value}\r\n",
    lambda value: f"\u202b{value}\u202c",
    lambda value: unicodedata.normalize("NFD", value),
    lambda value: unicodedata.normalize("NFC", value),
    lambda value: value.translate(_FULL_WIDTH),
    lambda value: value.replace(" ", "\u00a0"),
    lambda value: value.replace("'", "\u2019"),
    lambda value: f"'{value}'",
    lambda value: f"({value})",
)
