"""Invented customers with the dirt that real customer tables carry."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from syncd.demo.draws import Draws
from syncd.demo.names import NAMES, Names
from syncd.demo.phones import Range, spelled
from syncd.demo.places import Place, postcode, somewhere

DOMAINS = ("example.com", "example.org", "example.net")  # RFC 2606: nobody's
STORE = "main"
FIRST_NUMBER = 10_001
_TONGUES = tuple(NAMES)
_GUESTS = 0.15
_FAMILY = 0.03
_NAME_DIRT = {"missing": 0.01, "blanks": 0.01, "capitals": 0.01, "decomposed": 0.01}
_PLAIN = str.maketrans({"ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "\u0131": "i"})
_EMAIL_DIRT = {"messy": 0.03, "missing": 0.01, "unusable": 0.01}
_COUNTRY_DIRT = {"missing": 0.02, "small": 0.01, "spoken": 0.02}


class Customer(NamedTuple):
    """One row of the table `customers`, but for its locale, which the table makes."""

    customer_key: str
    store_key: str
    source_id: str
    email: str | None
    phone: str | None
    first_name: str | None
    last_name: str | None
    country: str | None
    postcode: str | None
    city: str | None
    region: str | None
    birth_date: str | None
    gender: str | None
    is_guest: int
    registered_at: str | None
    deleted: int


def make_people(
    random: np.random.Generator,
    registered_at: Sequence[str],
    *,
    first_number: int = FIRST_NUMBER,
    may_be_guest: Sequence[bool],
) -> list[Customer]:
    """Customers numbered from `first_number`, one for each moment given.

    About 3 of 100 live with the customer before them: same last name, address and phone.

    Args:
        random: Decides everything else about them.
        registered_at: When each came, as UTC text.
        first_number: The shop's number of the first.
        may_be_guest: Who has ordered, so that an account is not all there is of them.
    """
    draws = Draws(random)
    numbers = Range(random)
    people: list[Customer] = []
    for at, (moment, buyer) in enumerate(zip(registered_at, may_be_guest, strict=True)):
        guest = buyer and draws.chance(_GUESTS)
        relative = people[-1] if people and draws.chance(_FAMILY) else None
        person = _person(draws, numbers, first_number + at, moment, guest=guest)
        people.append(person if relative is None else _moved_in(person, relative))
    return people


def clean_email(person: tuple[str, str], number: int, domain: str) -> str:
    """The address of somebody of this name and number, as a careful person types it.

    Args:
        person: First and last name.
        number: Kept apart from all others' by a bijection of 32 bits.
        domain: One of `DOMAINS`.
    """
    mixed = number * 2_654_435_761 % 2**32
    return f"{_folded(person[0])}.{_folded(person[1])}.{mixed:08x}@{domain}"


def guest_key(email: str) -> str:
    """The key of a guest: a keyed digest of the address, as only guests have no number."""
    digest = hashlib.blake2b(email.strip().lower().encode(), key=b"demo shop", digest_size=16)
    return f"g:{digest.hexdigest()}"


def _person(draws: Draws, numbers: Range, number: int, moment: str, *, guest: bool) -> Customer:
    place = somewhere(draws)
    first, last = _name(draws, place)
    clean = clean_email((first, last), number, draws.pick(DOMAINS))
    email = _typed_email(draws, clean, usable=guest)
    country = _typed_country(draws, place)
    whole = draws.chance(0.92)
    return Customer(
        customer_key=guest_key(clean) if guest else f"c:{number}",
        store_key=STORE,
        source_id=str(number),
        email=email,
        phone=_phone(draws, numbers, country),
        first_name=_typed_name(draws, first),
        last_name=_typed_name(draws, last),
        country=country,
        postcode=postcode(draws, place) if whole else None,
        city=draws.pick(place.cities) if whole else None,
        region=draws.pick(place.regions) if place.regions else None,
        birth_date=_birth_date(draws),
        gender=draws.pick(("f", "m", "f", "m", "x", None, None)),
        is_guest=int(guest),
        registered_at=None if guest else moment,
        deleted=int(draws.chance(0.003)),
    )


def _moved_in(person: Customer, relative: Customer) -> Customer:
    return person._replace(
        last_name=relative.last_name,
        phone=relative.phone,
        country=relative.country,
        postcode=relative.postcode,
        city=relative.city,
        region=relative.region,
    )


def _name(draws: Draws, place: Place) -> tuple[str, str]:
    tongue = draws.pick(_TONGUES) if draws.chance(0.08) else draws.pick(place.tongues)
    names: Names = NAMES[tongue]
    return draws.pick(names.first), draws.pick(names.last)


def _typed_name(draws: Draws, name: str) -> str | None:
    match draws.fate(_NAME_DIRT):
        case "missing":
            return None
        case "blanks":
            return f" {name} "
        case "capitals":
            return name.upper()
        case "decomposed":
            return unicodedata.normalize("NFD", name)
        case _:
            return name


def _typed_email(draws: Draws, clean: str, *, usable: bool) -> str | None:
    """What stands in the column: clean, messy, no address at all, or nothing.

    A messy one still leads to the clean address by trimming and lower-casing alone, or
    is, with its tag, another valid address.
    """
    local, domain = clean.split("@")
    fate = draws.fate(_EMAIL_DIRT)
    if fate == "messy":
        return draws.pick(
            (clean.upper(), clean.title(), f"  {clean} ", f"{clean} ", f"{local}+shop@{domain}")
        )
    if usable or fate == "nothing":
        return clean
    if fate == "missing":
        return None
    return draws.pick(("none", "n/a", "", local, f"{local}@", f"{clean}; info@{domain}"))


def _typed_country(draws: Draws, place: Place) -> str | None:
    match draws.fate(_COUNTRY_DIRT):
        case "missing":
            return None
        case "small":
            return place.code.lower()
        case "spoken" if place.code == "GB":
            return "UK"
        case _:
            return place.code


def _phone(draws: Draws, numbers: Range, country: str | None) -> str | None:
    if draws.chance(0.35):
        return None
    return spelled(draws, numbers.take(draws, country), country)


def _birth_date(draws: Draws) -> str | None:
    if draws.chance(0.7):
        return None
    year, month, day = 1940 + draws.below(66), 1 + draws.below(12), 1 + draws.below(28)
    return f"{year}-{month:02d}-{day:02d}"


@cache
def _folded(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name.translate(_PLAIN))
    ascii_only = decomposed.encode("ascii", "ignore").decode().lower()
    return "".join(c for c in ascii_only if c.isalpha()) or "customer"
