"""Whether the platforms hold what they should, digest by digest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from syncd.app import App
from syncd.demo.control import Control, Held
from syncd.demo.expect import Identifier, Platform, expected_identifiers
from syncd.demo.stage import COUNTRY
from syncd.model import Holdout

_NOTHING = Held(frozenset(), ())


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one audience holds, beside what it should.

    Attributes:
        expected: Identifiers that it should hold.
        held: Identifiers that it holds.
        missing, extra: Expected and not held; held and not expected.
        persons: Persons that it holds.
        lost: Expected identifiers that none of its persons has.
        strangers: Persons without any expected identifier.
        beside: Identifiers of its persons that are not expected.
    """

    sync: str
    expected: int
    held: int
    missing: int
    extra: int
    persons: int
    lost: int
    strangers: int
    beside: int

    @property
    def agreed(self) -> bool:
        """Both views are as they should be."""
        return not (self.missing or self.extra or self.lost or self.strangers or self.beside)


def compare(app: App, control: Control, shop: Path) -> tuple[Verdict, ...]:
    """Compare every sync's audience with the shop as it stands now.

    The segment's SQL is the product's, and so is the word on who is held out: that takes the
    ledger's key. All else is a path of its own: reading, consent, normalising and hashing are
    those of `syncd.demo.expect`.
    """
    audiences = control.audiences()
    verdicts = []
    for name in app.settings.syncs:
        known = app.ledger.audience_of(name)
        held = audiences.get((known.platform, known.id), _NOTHING) if known else _NOTHING
        verdicts.append(_judge(name, _expected(app, name, shop), held))
    return tuple(verdicts)


def _expected(app: App, name: str, shop: Path) -> frozenset[Identifier]:
    sync = app.sync(name)
    query = app.query(sync.segment, app.clock.now())
    return expected_identifiers(
        shop,
        query.sql,
        query.parameters,
        platform=cast("Platform", sync.platform),
        default_country=COUNTRY,
        held_out=_control(app, sync.holdout) if sync.holdout else lambda _: False,
    )


def _control(app: App, holdout: Holdout) -> Callable[[str], bool]:
    import pyarrow as pa  # noqa: PLC0415 - as in `syncd.app`

    marks = app.control(holdout).marks
    return lambda key: bool(marks(pa.array([key.encode()]))[0].as_py())


def _judge(name: str, expected: frozenset[Identifier], held: Held) -> Verdict:
    joined = frozenset[Identifier]().union(*held.persons)
    return Verdict(
        sync=name,
        expected=len(expected),
        held=len(held.identifiers),
        missing=len(expected - held.identifiers),
        extra=len(held.identifiers - expected),
        persons=len(held.persons),
        lost=len(expected - joined),
        strangers=sum(person.isdisjoint(expected) for person in held.persons),
        beside=len(joined - expected),
    )
