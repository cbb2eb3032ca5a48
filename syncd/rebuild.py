"""Go on after ledger and directory stopped fitting: keep all that either still knows.

Whoever may be on a platform as far as a surviving row or file says stays possible, so
that they are removed once nobody wants them; nobody stays certain, so that the next run
adds everyone again. What neither knows cannot be taken out one by one: such an audience
counts as adopted, and the audit says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from syncd.ledger import directory as stamps
from syncd.ledger import rebuild as ledgers
from syncd.ledger.audiences import KnownAudience
from syncd.ledger.rebuild import Rebuilt, Standing
from syncd.ledger.store import Ledger
from syncd.membership.survivors import Origin, SurvivingFiles, Survivor
from syncd.model import (
    Audience,
    AuditEvent,
    BatchRecord,
    BatchState,
    Generation,
    Operation,
    Sizes,
)
from syncd.ports import Clock

At = tuple[str, str, str]

# Of these it is certain that nothing was applied, and was when the ledger was last right.
_NEVER_APPLIED = frozenset({BatchState.CANCELLED, BatchState.REFUSED})


@dataclass(frozen=True, slots=True)
class Remains:
    """What a rebuild works with.

    Attributes:
        directory: The ledger's directory.
        names: Makes a new id from a prefix; sorts by time.
        configured: The audience's name by sync, "" where it is given by its id.
        actor: Who asked for it, for the audit.
    """

    ledger: Ledger
    directory: Path
    files: SurvivingFiles
    clock: Clock
    names: Callable[[str], str]
    configured: Mapping[str, str]
    actor: str


@dataclass(frozen=True, slots=True)
class AudienceFound:
    """What is known of one audience after a rebuild.

    Attributes:
        generation: The number of the one that was left, 0 if none was.
        plans: Plans whose rows were taken in beside it.
        sizes: Who may be in it as far as we know.
        cancelled: Batches that are not sent any more.
        takes_out: Others fill it, and `sizes` is who was taken out.
    """

    sync: str
    name: str
    id: str
    generation: int
    plans: int
    sizes: Sizes
    cancelled: int
    takes_out: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a rebuild ended.

    Attributes:
        reason: How ledger and directory did not fit, "" if nothing showed.
        broken: Files that could not be read; the next start deletes them.
    """

    reason: str
    audiences: tuple[AudienceFound, ...]
    broken: int


def why(ledger: Ledger, directory: Path) -> str:
    """What does not fit, as far as it shows without reading the files, or ""."""
    wrong = stamps.mismatch(ledger, directory)
    if wrong:
        return wrong
    missing = [name for name in ledger.named_files() if not (directory / name).exists()]
    return f"files that the ledger names are missing ({len(missing):,})" if missing else ""


def rebuild(remains: Remains) -> Outcome:
    """Give every audience a membership of what is left, and the pair a new common stamp.

    Call it under the lock. A crash leaves the old state, or one that asks for a rebuild
    again.

    Raises:
        syncd.errors.SyncdError: It could not be written; nothing has changed.
    """
    ledger = remains.ledger
    reason = why(ledger, remains.directory)
    survivors, broken = remains.files.look()
    standings, known = ledgers.survey(ledger, {each.path: each.checksum for each in survivors})
    whole = [each for each in survivors if known.get(each.path, each.checksum) == each.checksum]
    found = _Files({each.path: each for each in whole}, frozenset(known))
    made = [_of_ledger(remains, found, standing) for standing in standings]
    seen = {_at(standing.audience) for standing in standings}
    # A sync fills the audience that it filled last; names sort by time, numbers do not.
    for at, base in sorted(found.newest().items(), key=lambda one: one[1].path):
        if at not in seen:
            made.append(_of_files(remains, found, at, base))
    damaged = broken + len(survivors) - len(whole)
    told = tuple(one for one, _ in made)
    ledgers.commit(
        ledger,
        [each for _, each in made],
        known_syncs=frozenset(remains.configured),
        event=_event(remains, reason, told, damaged),
        now=remains.clock.now(),
    )
    stamps.write(remains.directory, ledger.stamp())
    return Outcome(reason, told, damaged)


@dataclass(frozen=True, slots=True)
class _Files:
    """Whole files by path, and which of them the ledger names."""

    by_path: Mapping[str, Survivor]
    named: frozenset[str]

    def newest(self) -> Mapping[At, Survivor]:
        """The newest generation by audience, of files that the ledger does not name."""
        found: dict[At, Survivor] = {}
        for each in sorted(self.by_path.values(), key=lambda each: (each.number, each.path)):
            if each.audience is not None and each.path not in self.named:
                found[each.audience] = each
        return found

    def plans(self, sync: str) -> list[Survivor]:
        """Plans of a sync that the ledger does not name, oldest first."""
        return [
            each
            for path, each in sorted(self.by_path.items())
            if path.endswith(".plan") and path not in self.named and each.sync == sync != ""
        ]


def _of_ledger(
    remains: Remains, files: _Files, standing: Standing
) -> tuple[AudienceFound, Rebuilt]:
    """An audience that the ledger has: its rows, and what newer files say."""
    audience, last = standing.audience, standing.last
    base, number, rules = None, 0, last.rules if last else ""
    if standing.kept is not None:
        base = files.by_path[standing.kept.path]
        number, rules = standing.kept.number, standing.kept.rules
    newer = files.newest().get(_at(audience))
    if newer is not None and newer.number >= number:
        base, number, rules = newer, newer.number, newer.rules or rules
    known = [
        (files.by_path[plan.path], _perhaps_applied(batches)) for plan, batches in standing.plans
    ]
    unknown = files.plans(audience.sync)
    rules = rules or next((plan.rules for plan, _ in standing.plans), "")
    origin = Origin(base, [*known, *((plan, None) for plan in unknown)])
    generation = None
    if last is not None or base is not None or any(batches != [] for _, batches in origin.plans):
        following = last.number + 1 if last else 1
        generation = _write(remains, following, origin, audience, rules)
    cancelled = ledgers.lost_batches(remains.ledger, standing)
    told = _found(audience, number if base else 0, origin, generation, cancelled)
    model = Audience(audience.platform, audience.account, audience.id, audience.name)
    kept = frozenset(plan.id for plan, _ in standing.plans)
    events = _events(remains, told)
    return told, Rebuilt(model, audience.sync, generation, kept, events, audience.takes_out)


def _of_files(
    remains: Remains, files: _Files, at: At, base: Survivor
) -> tuple[AudienceFound, Rebuilt]:
    """An audience of which the ledger has nothing: it is older, or was lost itself."""
    platform, account, audience_id = at
    name = remains.configured.get(base.sync) or audience_id
    origin = Origin(base, [(plan, None) for plan in files.plans(base.sync)])
    of = _Of(platform, account, audience_id, base.sync, base.takes_out)
    generation = _write(remains, 1, origin, of, base.rules)
    told = AudienceFound(
        base.sync,
        name,
        audience_id,
        base.number,
        len(origin.plans),
        generation.sizes,
        0,
        base.takes_out,
    )
    model = Audience(platform, account, audience_id, name)
    events = _events(remains, told)
    return told, Rebuilt(model, base.sync, generation, frozenset(), events, base.takes_out)


@dataclass(frozen=True, slots=True)
class _Of:
    """An audience that only files know."""

    platform: str
    account: str
    id: str
    sync: str
    takes_out: bool


def _write(
    remains: Remains, number: int, origin: Origin, of: KnownAudience | _Of, rules: str
) -> Generation:
    return remains.files.write(
        remains.names("g"),
        number,
        origin,
        audience=_at(of),
        sync=of.sync,
        rules=rules,
        takes_out=of.takes_out,
        now=remains.clock.now(),
    )


def _perhaps_applied(batches: Sequence[BatchRecord]) -> list[BatchRecord]:
    """Additions that may be on the platform; one that was never sent may have been since."""
    return [
        batch
        for batch in batches
        if batch.phase.operation is Operation.ADD and batch.state not in _NEVER_APPLIED
    ]


def _found(
    audience: KnownAudience,
    number: int,
    origin: Origin,
    generation: Generation | None,
    cancelled: int,
) -> AudienceFound:
    return AudienceFound(
        sync=audience.sync,
        name=audience.name,
        id=audience.id,
        generation=number,
        plans=len(origin.plans),
        sizes=generation.sizes if generation else Sizes(),
        cancelled=cancelled,
        takes_out=audience.takes_out,
    )


def _at(audience: KnownAudience | _Of) -> At:
    return audience.platform, audience.account, audience.id


def sentence(found: AudienceFound) -> str:
    """One audience after a rebuild, for a reader who has never seen the code."""
    if found.takes_out:
        return (
            f"Audience {found.name} ({found.id}), which others fill: {found.sizes.members:,} "
            "members were taken out as far as is known. The next run takes everyone of the "
            "segment out again."
        )
    if found.generation or found.plans:
        members = found.sizes.members
        known = f"{members:,} members may be in it as far as is known, nobody for certain"
    else:
        known = "nobody is known to be in it any more"
    return (
        f"Audience {found.name} ({found.id}): {known}. The next run adds everyone again and "
        "removes who is known and not wanted. It may hold others: whoever was sent to it in the "
        "time that is lost, and is not in the segment any more, stays in it until the audience "
        "is replaced as a whole."
    )


def _events(remains: Remains, found: AudienceFound) -> list[AuditEvent]:
    events = [_about(remains, found, "audience_rebuilt", sentence(found), _numbers(found))]
    if found.cancelled:
        said = (
            "Cancelled what was planned and not sent before the rebuild, and what cannot be sent "
            f"again because its file is lost (batches: {found.cancelled:,})."
        )
        counts = {"batches": found.cancelled}
        events.append(_about(remains, found, "batches_cancelled", said, counts))
    return events


def _numbers(found: AudienceFound) -> Mapping[str, int]:
    return {
        "generation": found.generation,
        "plans": found.plans,
        "members": found.sizes.members,
        **found.sizes.identifiers,
    }


def _about(
    remains: Remains, found: AudienceFound, kind: str, said: str, counts: Mapping[str, int]
) -> AuditEvent:
    return AuditEvent(
        kind,
        remains.clock.now(),
        remains.actor,
        said,
        sync=found.sync,
        audience=found.name,
        counts=counts,
    )


def _event(
    remains: Remains, reason: str, found: Sequence[AudienceFound], broken: int
) -> AuditEvent:
    why = f"Ledger and directory did not fit: {reason}." if reason else "Ledger and directory fit."
    said = (
        f"Rebuilt the memberships of {len(found):,} audiences from what is left. {why} Held plans "
        "and approvals are void."
    )
    if broken:
        said += f" Files that could not be read: {broken:,}."
    counts = {"audiences": len(found), "broken": broken}
    return AuditEvent("ledger_rebuilt", remains.clock.now(), remains.actor, said, counts=counts)
