"""Phone numbers that nobody holds, as shops find them typed in.

Every number stands in a range that a regulator keeps free for fiction:

* GB: Ofcom, numbers for TV and radio drama.
* US: NANPA, 555-0100 to 555-0199 of every area code.
* DE: Bundesnetzagentur, notice 148/2021, Rufnummern für Medienproduktionen.
* FR: ARCEP, six blocks of 10,000.

Other countries reserve none that we know of, so their people carry a number of one of
these four, with its country code. Left out is Ofcom's 0115 496 0000 to 0999, which the
library `phonenumbers` calls invalid; it says so of the mobile numbers 07700 900000 to
900999 too, which stay, as syncd takes them as numbers set aside.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from syncd.demo.draws import Draws

_GB_CITIES = (113, 114, 116, 117, 118, 121, 131, 141, 151, 161)
_US_AREAS = (
    *(201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 224),
    *(225, 228, 229, 231, 234, 239, 240, 248, 251, 252, 253, 254, 256, 260, 262, 267, 269, 270),
    *(276, 281, 301, 302, 303, 304, 305, 307, 308, 309, 310, 312, 313, 314, 315, 316, 317, 318),
    *(319, 320, 321, 323, 325, 330, 334, 336, 337, 339, 347, 351, 352, 360, 361, 386, 401, 402),
    *(404, 405, 406, 407, 408, 409, 410, 412, 413, 414, 415, 417, 419, 423, 425, 430, 432, 434),
    *(435, 440, 443, 469, 478, 479, 480, 484, 501, 502, 503, 504, 505, 507, 508, 509, 510, 512),
    *(513, 515, 516, 517, 518, 520, 530, 540, 541, 551, 559, 561, 562, 563, 567, 570, 571, 573),
    *(574, 580, 585, 586, 601, 602, 603, 605, 606, 607, 608, 609, 610, 612, 614, 615, 616, 617),
)

# Country code, then blocks as (area, fixed digits, free digits).
Block = tuple[str, str, int]
CODES = {"GB": "44", "US": "1", "DE": "49", "FR": "33"}
BLOCKS: dict[str, tuple[Block, ...]] = {
    "GB": (
        *((str(area), "4960", 3) for area in _GB_CITIES),
        ("191", "4980", 3),
        ("20", "79460", 3),
        ("28", "90180", 3),
        ("29", "20180", 3),
        ("7700", "900", 3),
    ),
    "US": tuple((str(area), "55501", 2) for area in _US_AREAS),
    "DE": (
        ("30", "23125", 3),
        ("69", "90009", 3),
        ("40", "66969", 3),
        ("221", "4710", 3),
        ("89", "99998", 3),
        ("171", "39200", 2),
    ),
    "FR": (
        ("1", "9900", 4),
        ("2", "6191", 4),
        ("3", "5301", 4),
        ("4", "6571", 4),
        ("5", "3649", 4),
    ),
}

_ELSEWHERE = ("FR", "FR", "FR", "FR", "FR", "US", "US", "US", "GB", "GB")
_JUNK = ("-", "0000000000", "n/a", "unknown")
_DIALS_00 = frozenset(
    ("NL", "DE", "GB", "FR", "BE", "AT", "CH", "ES", "IT", "IE", "SE", "PL", "GR", "TR")
)

Number = tuple[str, str, str]  # whose plan, area, subscriber


class Range:
    """Hands out numbers of all ranges, each once until its range is used up."""

    def __init__(self, random: np.random.Generator) -> None:
        self._free = {plan: _shuffled(random, plan) for plan in sorted(BLOCKS)}

    def take(self, draws: Draws, country: str | None) -> Number:
        """A number that someone of this country may have."""
        plan = country if country in BLOCKS else draws.pick(_ELSEWHERE)
        return next(self._free[plan])


def _shuffled(random: np.random.Generator, plan: str) -> Iterator[Number]:
    blocks = BLOCKS[plan]
    starts = np.cumsum([0, *(10**free for _, _, free in blocks)])
    order = random.permutation(int(starts[-1]))
    homes = np.searchsorted(starts, order, side="right") - 1
    while True:  # beyond its size a range gives numbers again, as families share phones
        for place, home in zip(order.tolist(), homes.tolist(), strict=True):
            area, fixed, free = blocks[home]
            yield plan, area, f"{fixed}{place - int(starts[home]):0{free}d}"


def spelled(draws: Draws, number: Number, country: str | None) -> str:
    """The number as its holder typed it.

    The national form only where the holder's own country reads it as that number: a
    reader who takes another region would make somebody else's number of it.
    """
    plan, area, subscriber = number
    if draws.chance(0.004):
        return draws.pick(_JUNK)
    if plan == country and draws.chance(0.6):
        return _national(draws, number)
    code = CODES[plan]
    forms = [f"+{code} {area} {subscriber}", f"+{code}{area}{subscriber}"]
    if plan != "US":
        forms.append(f"+{code} (0){area} {subscriber}")
    if country in _DIALS_00:
        forms.append(f"00{code}{area}{subscriber}")
    if country == "JP":
        forms.append(_full_width(forms[0]))
    return draws.pick(forms)


def _national(draws: Draws, number: Number) -> str:
    plan, area, subscriber = number
    if plan == "US":
        local = f"{subscriber[:3]}-{subscriber[3:]}"
        return draws.pick((f"({area}) {local}", f"{area}-{local}", f"1-{area}-{local}"))
    if plan == "FR":
        digits = f"0{area}{subscriber}"
        pairs = [digits[at : at + 2] for at in range(0, len(digits), 2)]
        return draws.pick((" ".join(pairs), ".".join(pairs), digits))
    spaced = f"{subscriber[:3]} {subscriber[3:]}"
    return draws.pick((f"0{area} {spaced}", f"(0{area}) {spaced}", f"0{area}/{subscriber}"))


def _full_width(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)
