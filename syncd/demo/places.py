"""Where the demo's customers live, and the postcodes of those countries.

In a pattern, `#` is a digit, `*` a digit but 0, `%` a letter; all else stands for itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from syncd.demo.draws import Draws


@dataclass(frozen=True, slots=True)
class Place:
    """A country as the demo knows it.

    Attributes:
        weight: How many of 1,000 customers live there.
        postcodes: Patterns, each as likely.
        regions: Where the country's addresses carry one.
        currency: What people there pay in.
        rate: Euros for one unit of it.
    """

    code: str
    weight: int
    tongues: tuple[str, ...]
    postcodes: tuple[str, ...]
    cities: tuple[str, ...]
    regions: tuple[str, ...] = ()
    currency: str = "EUR"
    rate: float = 1.0


PLACES = (
    Place("NL", 255, ("dutch",), ("*### %%", "*###%%"), ("Utrecht", "Zwolle", "'s-Hertogenbosch")),
    Place("DE", 215, ("german",), ("1####", "2####", "8####"), ("Köln", "Kiel", "München")),
    Place(
        "GB",
        145,
        ("english",),
        ("SW1A #%%", "M1 #%%", "B33 #%%", "DN55 #%%", "EH1 #%%", "LS1 #%%", "BS8 #%%", "cf10 #%%"),
        ("London", "Leeds", "Edinburgh", "Bristol"),
        currency="GBP",
        rate=1.15,
    ),
    Place("FR", 120, ("french",), ("75###", "31###", "69###"), ("Paris", "Besançon", "Nîmes")),
    Place("BE", 85, ("dutch", "french"), ("*###",), ("Liège", "Gent", "Antwerpen")),
    Place(
        "US",
        60,
        ("english", "english", "spanish"),
        ("1####", "6####", "9####", "0*###", "9####-####"),
        ("Portland", "Austin", "Saint Paul"),
        ("CA", "NY", "TX", "OR", "MN"),
        "USD",
        0.88,
    ),
    Place("AT", 25, ("german",), ("*###",), ("Wien", "Graz")),
    Place("CH", 20, ("german", "french"), ("*###",), ("Zürich", "Genève"), (), "CHF", 1.05),
    Place("ES", 15, ("spanish",), ("28###", "0*###"), ("Madrid", "A Coruña")),
    Place("IT", 12, ("italian",), ("00*##", "2####"), ("Roma", "Forlì")),
    Place("IE", 10, ("english",), ("D0* %%##", "T12 %%##"), ("Dublin", "Cork")),
    Place("SE", 10, ("nordic",), ("*## ##",), ("Göteborg", "Umeå"), (), "SEK", 0.088),
    Place("PL", 8, ("polish",), ("0#-###", "3#-###"), ("Łódź", "Kraków"), (), "PLN", 0.23),
    Place("GR", 7, ("greek",), ("1## ##",), ("Αθήνα", "Θεσσαλονίκη")),
    Place("TR", 7, ("turkish",), ("34###",), ("İstanbul", "İzmir"), (), "TRY", 0.021),
    Place("JP", 6, ("japanese",), ("1##-####",), ("東京", "横浜"), (), "JPY", 0.0057),
)
BY_CODE = {place.code: place for place in PLACES}
_SPREAD = tuple(place for place in PLACES for _ in range(place.weight))
_LETTERS = "ABDEFGHJLNPRSTUWXYZ"


def somewhere(draws: Draws) -> Place:
    """A country, the shop's own most often."""
    return draws.pick(_SPREAD)


def postcode(draws: Draws, place: Place) -> str:
    """A postcode in the country's form."""
    return "".join(_filled(draws, character) for character in draws.pick(place.postcodes))


def _filled(draws: Draws, character: str) -> str:
    if character == "#":
        return str(draws.below(10))
    if character == "*":
        return str(1 + draws.below(9))
    return draws.pick(_LETTERS) if character == "%" else character
