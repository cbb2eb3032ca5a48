"""Was this person in it? Each audience's membership asked for one person, and that written down.

It reads what is sealed, needs no lock and sends nothing. What identifies the person is neither
kept nor shown: the audit says who asked, and how much was found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from syncd.errors import LedgerMismatch
from syncd.identity.rules import rule_set
from syncd.ledger.audiences import KnownAudience
from syncd.ledger.lookups import RunOf
from syncd.model import AuditEvent, ErasureId, Generation, RuleSet
from syncd.model.lookups import Looked, Trace
from syncd.ports import Platform

if TYPE_CHECKING:
    import pyarrow as pa

    from syncd.identity.erased import Person
    from syncd.leaving.erasure import Desk

_TRIES = 5  # an audience whose membership another process writes anew each time


@dataclass(frozen=True, slots=True)
class Told:
    """A trace, and the runs that it begins and ends with; None where the ledger has none."""

    trace: Trace
    began: RunOf | None
    ended: RunOf | None


@dataclass(frozen=True, slots=True)
class Place:
    """What one audience's membership says of a person.

    Attributes:
        audience: As the ledger knows it.
        title: Its platform's.
        looked: None where nobody was ever sent.
        told: Of `looked`, each with its runs.
    """

    audience: KnownAudience
    title: str
    looked: Looked | None
    told: tuple[Told, ...] = ()

    @property
    def there(self) -> bool:
        """Whether the person may be in it now; of an audience that others fill nobody knows."""
        return not self.audience.takes_out and any(one.trace.there for one in self.told)


@dataclass(frozen=True, slots=True)
class Answer:
    """What all audiences say of a person.

    Attributes:
        places: Every audience there ever was, those with a trace first.
        erasures: Those that named the person: of these nothing is kept once they are complete.
        since: Who left before is not remembered; None: nobody who left is.
    """

    places: tuple[Place, ...]
    erasures: tuple[ErasureId, ...]
    since: datetime | None


def look_up(desk: Desk, person: Person, *, actor: str, history: timedelta) -> Answer:
    """Ask every membership for a person, and write down that it was asked.

    Args:
        desk: What erasures work with: the same digests are looked for.
        person: What was given.
        actor: Who asks.
        history: For how long whoever left is remembered.

    Raises:
        syncd.errors.UsageError: Something that was given cannot be normalised.
    """
    from syncd.identity.erased import tombstones  # noqa: PLC0415 - only here columns are needed

    stones = tombstones(person, desk.rules, key=desk.key, default_country=desk.default_country)
    erasures = desk.ledger.lookups.erasures_of(stone.mac for stone in stones)
    now = desk.clock.now()
    found = [_place(desk, audience, person, now) for audience in desk.ledger.audiences()]
    places = tuple(sorted(found, key=lambda one: (not one.there, not one.told)))
    answer = Answer(places, erasures, now - history if history else None)
    # Written before anything is shown: who cannot be written down is told nothing.
    desk.ledger.audit(_event(answer, person, actor=actor, now=now))
    return answer


def _event(answer: Answer, person: Person, *, actor: str, now: datetime) -> AuditEvent:
    there = sum(place.there for place in answer.places)
    was = sum(bool(place.told) and not place.there for place in answer.places)
    said = (
        f"{actor} looked up one person, by {len(person.emails):,} e-mails and "
        f"{len(person.phones):,} phones: may be in {there:,} of {len(answer.places):,} audiences, "
        f"and was in {was:,} more."
    )
    counts = {"audiences": len(answer.places), "there": there, "gone": was}
    return AuditEvent("looked_up", now, actor, said, counts=counts)


def _place(desk: Desk, audience: KnownAudience, person: Person, now: datetime) -> Place:
    platform = next(
        (each.platform for each in desk.accounts if each.platform.name == audience.platform), None
    )
    given = _digested(desk, platform, audience, person)
    title = platform.title if platform else audience.platform
    looked = _looked(desk, audience, given, now)
    if looked is None:
        return Place(audience, title, None)
    at = (audience.platform, audience.account, audience.id)
    lookups = desk.ledger.lookups
    told = tuple(
        Told(
            trace,
            lookups.that_planned(at, trace.since) if trace.since else None,
            lookups.that_removed(at, trace.left_at) if trace.left_at else None,
        )
        for trace in looked.traces
    )
    return Place(audience, title, looked, told)


def _digested(
    desk: Desk, platform: Platform | None, audience: KnownAudience, person: Person
) -> pa.RecordBatch:
    """What the person is known by, as the audience's platform has it."""
    import pyarrow as pa  # noqa: PLC0415

    from syncd.identity.erased import as_rows  # noqa: PLC0415

    own = [rule_set(platform.rules)] if platform else _named(desk, audience.platform)
    rows = [as_rows(person, each, desk.default_country) for each in own]
    (whole,) = pa.Table.from_batches(rows).combine_chunks().to_batches()
    return whole


def _named(desk: Desk, platform: str) -> list[RuleSet]:
    """Rules of a platform that is not configured any more: its own by name, or all there are."""
    return [each for each in desk.rules if each.name == platform] or list(desk.rules)


def _looked(
    desk: Desk, audience: KnownAudience, given: pa.RecordBatch, now: datetime
) -> Looked | None:
    at = (audience.platform, audience.account, audience.id)
    last: Generation | None = None
    for _ in range(_TRIES):
        generation = desk.ledger.generation(*at)
        if generation is None:
            return None
        try:
            return desk.membership.lookup(generation, given, now=now, settle=desk.settle)
        except LedgerMismatch:
            # A run may have written the next one meanwhile, and swept this.
            if last is not None and last.number == generation.number:
                raise
            last = generation
    raise LedgerMismatch(
        f"the membership of audience {audience.name} ({audience.id}) was written anew each of "
        f"{_TRIES} times that it was read; ask again once its run is over"
    )


# --- in words -----------------------------------------------------------------------


def sentences(place: Place) -> Iterator[str]:
    """What an audience's membership says of a person, for a reader who has not seen the code."""
    if place.looked is None:
        yield "nobody was ever sent to it"
        return
    for told in place.told:
        yield _sentence(place, told, place.looked)
    if not place.told:
        yield _nothing(place.looked)


def _sentence(place: Place, told: Told, looked: Looked) -> str:
    trace = told.trace
    began = f"since {_began(told, looked)}"
    if place.audience.takes_out:
        return f"by {trace.kind}: taken out of it {began}; who else is in it is not kept"
    old = ", by a digest of rules that have been changed since" if trace.outdated else ""
    match trace.standing:
        case "certain":
            said = f"in it, the platform accepted it{old}; {began}"
        case "possible":
            said = f"may be in it: it was sent, and not confirmed{old}; {began}"
        case "refused":
            said = f"the platform refused the row that carries it{old}; sent {began}"
        case "leaving":
            said = f"leaving: was in it {began}; {_ended(told)}, which has not settled yet"
        case "gone":
            said = f"gone: was in it {began}; {_ended(told)}"
    return f"by {trace.kind}: {said}"


def _began(told: Told, looked: Looked) -> str:
    if told.trace.since is None:
        return f"before {_moment(looked.known_from)}, from when on this is kept"
    return f"{_moment(told.trace.since)}, {_by(told.began)}"


def _ended(told: Told) -> str:
    if told.trace.left_at is None:
        return "its removal was accepted"
    return f"its removal was accepted {_moment(told.trace.left_at)}, {_by(told.ended)}"


def _by(run: RunOf | None) -> str:
    if run is None:
        return "by a run that cannot be told any more"
    of = f"{run.segment} for {run.sync}" if run.segment != run.sync else run.sync
    return f"by run {run.run} ({of}, rules {run.rules}, started by {run.actor})"


def _nothing(looked: Looked) -> str:
    if looked.remembers_from is None:
        return "not in it as far as is known; who was in it before is not remembered"
    return f"not in it as far as is known, and not since {_moment(looked.remembers_from)}"


def notes(answer: Answer) -> Iterator[str]:
    """What the answer does not say, and must."""
    if not any(place.told for place in answer.places):
        yield (
            "nothing was found: no row with any of these was sent to an audience that is kept, "
            "or it is no longer remembered. Somebody who was sent by another e-mail or phone is "
            "found by that alone"
        )
    yield (
        "in it means: the platform accepted the row. Whom it matched, no platform tells. A phone "
        "or e-mail that several members share is each one's: it leaves with the last of them"
    )
    adopted = sorted(p.audience.name for p in answer.places if p.audience.adopted)
    if adopted:
        yield f"taken over with what was in it, which syncd cannot tell: {', '.join(adopted)}"
    if answer.since is None:
        yield "who has left is not remembered (ledger.history_days: 0)"
    else:
        yield (
            f"who left before {_moment(answer.since)} is remembered no more (ledger.history_days)"
        )
    if answer.erasures:
        yield (
            f"erased: {', '.join(answer.erasures)} named one of these. Once that is complete "
            "nothing is remembered of that person; `syncd erase --show ID` prints the certificate"
        )


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
