"""Customers of a small shop, and their identifiers worked out without syncd."""

from __future__ import annotations

import hashlib

from connectors.sandbox.state import Identifier
from tests.integration.memory_worlds import Person

KEYS = "abcdefghijklmn"
LINES = 6  # phone numbers that there are, so that families come about


def email(key: str, number: int = 0) -> str:
    """An address of one customer and of nobody else, as somebody types it."""
    typed = f"{key}.{number}@example.com"
    return typed if number % 2 else f" {typed.upper()}"


def phone(line: int) -> str:
    typed = f"06 1234 560{line}"
    return typed if line % 2 else typed.replace("06 ", "+31 6 ")


def mail_of(person: Person) -> frozenset[Identifier]:
    return frozenset(("email", _sha(one.strip().lower())) for one in person.emails)


def identifiers_of(person: Person) -> frozenset[Identifier]:
    phones = (one.replace(" ", "").removeprefix("+31").removeprefix("0") for one in person.phones)
    return mail_of(person) | {("phone", _sha(f"31{one}")) for one in phones}


def with_again(key: str, person: Person, ids: frozenset[Identifier], changes: int) -> Person:
    """A customer who has again, of these identifiers, what they once had, and agrees."""
    mails = [email(key, number) for number in range(changes + 1)]
    emails = tuple(one for one in mails if mail_of(Person((one,))) & ids) or person.emails
    numbers = [phone(line) for line in range(LINES)]
    phones = tuple(one for one in numbers if identifiers_of(Person((), (one,))) & ids)
    return Person(emails[:1], phones[:2] or person.phones)


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
