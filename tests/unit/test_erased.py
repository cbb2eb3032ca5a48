"""Tombstones recognise a person by any spelling, under any rules, and say nothing of them."""

from __future__ import annotations

import hashlib
import hmac

import pyarrow as pa
import pytest

from syncd.errors import UsageError
from syncd.identity.erased import Person, Watch, tombstones
from syncd.identity.rules import GOOGLE, META

KEY = bytes(range(32))


def stones(person: Person) -> dict[str, bool]:
    made = tombstones(person, [META, GOOGLE], key=KEY, default_country="NL")
    return {stone.mac: stone.decides for stone in made}


def marks(person: Person, *rows: dict[str, str], prehashed: bool = False) -> list[bool]:
    """Which of these rows of a segment are the person's."""
    given = [{"customer_key": str(n), **row} for n, row in enumerate(rows)]
    names = sorted({name for row in given for name in row})
    batch = pa.RecordBatch.from_pylist(given, pa.schema([(name, pa.string()) for name in names]))
    found: list[bool] = Watch(KEY, "NL", prehashed).marks(batch, stones(person)).to_pylist()
    return found


def test_a_person_is_known_by_any_spelling_and_any_slot() -> None:
    anna = Person(emails=("Anna.Bos@gmail.com",), phones=("06 12345678",))
    assert marks(
        anna,
        {"email": " ANNABOS@GMAIL.COM "},
        {"email": "other@example.com", "email_2": "anna.bos@gmail.com"},
        {"phone_3": "+31 6 1234 5678"},
        {"email": "anna@example.com"},
        {},
    ) == [True, True, True, False, False]


def test_a_phone_beside_an_email_takes_along_nobody_who_has_another_email() -> None:
    """Families share phones; alone it says who was meant."""
    rows = ({"email": "bob@example.com", "phone": "0206241111"}, {"phone": "0206241111"})
    both = Person(emails=("anna@example.com",), phones=("020 624 1111",))
    assert marks(both, *rows) == [False, True]
    assert marks(Person(phones=("020 624 1111",)), *rows) == [True, True]


def test_a_key_is_known_byte_for_byte() -> None:
    assert marks(Person(keys=("1",)), {"email": "a@example.com"}, {"email": "b@example.com"}) == [
        False,
        True,
    ]


@pytest.mark.parametrize("digested", ["anna.bos@gmail.com", "annabos@gmail.com"])
def test_a_segment_of_digests_is_recognised_by_the_digests_of_every_rule_set(digested: str) -> None:
    hashed = hashlib.sha256(digested.encode()).hexdigest()
    assert marks(Person(emails=("Anna.Bos@gmail.com",)), {"email": hashed}, prehashed=True) == [
        True
    ]


def test_a_tombstone_is_no_digest_and_of_one_key() -> None:
    """Who has the ledger and not its key can try no address against it."""
    person = Person(emails=("anna@example.com",))
    digest = hashlib.sha256(b"anna@example.com").hexdigest()
    other = tombstones(person, [META], key=bytes(32), default_country="NL")
    assert not [name for name in stones(person) if digest in name]
    assert not stones(person).keys() & {stone.mac for stone in other}
    assert "anna" not in repr(person)


def test_what_cannot_be_normalised_is_refused_without_repeating_it() -> None:
    with pytest.raises(UsageError, match="phone 2 of standard input cannot be used") as caught:
        stones(Person(phones=("06 12345678", "12-secret")))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "given", "canonical"),
    [
        ("email", " Anna.Bos+shop@GoogleMail.com", "annabos@googlemail.com"),
        ("email", "ANNA+x@Example.com", "anna+x@example.com"),
        ("email", "A\u0308nna@example.com", "\u00e4nna@example.com"),
        ("phone", "06 12 34 56 78", "+31612345678"),
        ("phone", "00 49 (0)30 12345678", "+493012345678"),
    ],
)
def test_the_form_of_tombstones_never_changes(kind: str, given: str, canonical: str) -> None:
    """Pinned, and made another way: one that was laid years ago must still be found."""
    person = Person(emails=(given,)) if kind == "email" else Person(phones=(given,))
    message = kind.encode() + b"\0" + hashlib.sha256(canonical.encode()).digest()
    assert f"{kind}:{hmac.new(KEY, message, 'sha256').hexdigest()}" in stones(person)
