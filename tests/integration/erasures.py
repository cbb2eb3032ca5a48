"""Erasing persons in a world: what `syncd.app` puts together, put together for a test."""

from __future__ import annotations

from dataclasses import replace

from connectors.sandbox.state import Identifier
from syncd.errors import SyncdError
from syncd.identity.erased import Person as Given
from syncd.identity.rules import GOOGLE, META
from syncd.leaving import erasure
from syncd.leaving.erasure import Desk, ErasingAccount
from syncd.ledger.audiences import KnownAudience
from syncd.model import Erased, Erasure, Operation
from syncd.runs.parts import Parts
from tests.integration.deaths import Died
from tests.integration.ledger_databases import KEY
from tests.integration.worlds import World


def desk(world: World) -> Desk:
    """What erasures of a world work with."""

    def parts_of(audience: KnownAudience) -> Parts:
        parts = world.parts()
        if audience.sync == parts.sync.name:
            return parts
        return replace(parts, sync=replace(parts.sync, name="", removes=False))

    parts = world.parts()
    return Desk(
        ledger=world.ledger,
        membership=world.membership,
        accounts=(
            ErasingAccount(parts.platform, parts.sync.account, parts.connect, parts.patience),
        ),
        parts_of=parts_of,
        rules=(META, GOOGLE),
        key=KEY.derive("tombstone"),
        default_country="NL",
        clock=world.clock,
        names=parts.names,
    )


def ask(world: World, *emails: str, phones: tuple[str, ...] = ()) -> Erasure:
    """Keep that a person is to be erased."""
    return erasure.ask(desk(world), Given(emails, phones), actor="test")


def carry_on(world: World) -> tuple[SyncdError, ...]:
    """Do what is due of all erasures; raises nothing that a platform said."""
    try:
        return erasure.carry_on(desk(world), actor="test")
    except Died:
        world.restart()
        return ()


def erase(world: World, *emails: str, phones: tuple[str, ...] = ()) -> Erasure:
    """As `syncd erase` does it."""
    asked = ask(world, *emails, phones=phones)
    assert carry_on(world) == ()
    return asked


def became(world: World, asked: Erasure, audience: str | None = None) -> Erased:
    """What became of an erasure in an audience, by default the one of the sync."""
    at = world.at[2] if audience is None else audience
    (found,) = (one for one in world.ledger.erasures.told(asked.id) if one.audience == at)
    return found


def closed(world: World, asked: Erasure) -> bool:
    (found,) = (one for one in world.ledger.erasures.all() if one.id == asked.id)
    return found.closed_at is not None


def removals(world: World, since: int = 0) -> list[frozenset[Identifier]]:
    """The rows of every removal from a push on."""
    pushes = [push for push in world.sent[since:] if push.operation is Operation.REMOVE]
    return [row for push in pushes for row in push.rows]


def additions(world: World, since: int = 0) -> frozenset[Identifier]:
    """Every identifier that an addition carried from a push on."""
    pushes = [push for push in world.sent[since:] if push.operation is Operation.ADD]
    return frozenset().union(*(row for push in pushes for row in push.rows))
