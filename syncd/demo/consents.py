"""What customers said to being written to, and to being shown advertisements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from syncd.demo.draws import Draws
from syncd.demo.people import Customer
from syncd.demo.schema import Row, stamp

CHANNELS = ("email", "sms", "ads")
_PROOFS = ("checkout", "account", "double-opt-in")
# Shares as in the data README: granted 62, denied 18, neither 20 of 100.
_STATES = (("granted", 0.62), ("denied", 0.80), ("pending", 0.88), ("unknown", 0.95))
_FLIPS = 0.02


def consent_rows(
    draws: Draws, people: Sequence[Customer], since: Sequence[datetime], until: datetime
) -> Iterator[Row]:
    """Answers per customer and channel; the latest counts, no row means never asked.

    Args:
        draws: Decides who says what.
        people: Who was asked.
        since: When each came to the shop.
        until: No answer is younger.
    """
    for person, came in zip(people, since, strict=True):
        for channel in CHANNELS:
            yield from _answers(draws, person, channel, came, until)


def consent(person: Customer, channel: str, state: str, at: datetime, proof: str) -> Row:
    """One answer."""
    return person.email, person.customer_key, channel, state, stamp(at), proof


def _answers(
    draws: Draws, person: Customer, channel: str, came: datetime, until: datetime
) -> Iterator[Row]:
    drawn = draws.number()
    state = next((name for name, below in _STATES if drawn < below), None)
    if state is None:
        return
    at = came + draws.number() * max(timedelta(), until - came - timedelta(seconds=1))
    proof = draws.pick(_PROOFS)
    if draws.chance(_FLIPS):
        other = "denied" if state == "granted" else "granted"
        gap = (at - came) / 3
        yield consent(person, channel, state, at - 2 * gap, proof)
        yield consent(person, channel, other, at - gap, proof)
        at += timedelta(seconds=1)
    yield consent(person, channel, state, at, proof)
