"""What an audience holds beside what we know of it, and replacing it as a whole.

Nobody can list an audience: who is in it beside ours cannot be told. So the report says
what is known, and `replace_audience` makes it true.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from syncd.errors import RemovalsHeld, UsageError
from syncd.runs import audiences
from syncd.runs.parts import Parts
from syncd.sync import Result, Wish, run


@dataclass(frozen=True, slots=True)
class Overview:
    """One sync's audience, as known here and as the platform puts it.

    Attributes:
        id: The platform's; None as long as no run has found or made it.
        members: Members who may be in it, as far as we can know.
        identifiers: Theirs, by kind.
        platform_size: People that the platform matched, or None where it does not say.
        takes_out: The sync only takes members out; `members` and `identifiers` are those.
        adopted: Whether it was taken over, and may hold others.
        replacing_since: When a replacement was begun of which nothing better is known.
        way_on: What to do, in a sentence; empty if nothing.
    """

    sync: str
    audience: str
    id: str | None
    members: int
    identifiers: Mapping[str, int]
    platform_size: int | None
    adopted: bool
    replacing_since: datetime | None
    way_on: str
    takes_out: bool = False


def overview(parts: Parts) -> Overview:
    """Put together what is known of a sync's audience; asks the platform for its size.

    Raises:
        syncd.errors.PlatformError: It gave no answer, or does not have it any more.
    """
    sync, known = parts.sync, audiences.known(parts)
    if known is None:
        name = sync.audience_name or str(sync.audience_id)
        way_on = f"no run has filled it yet: `syncd sync {sync.name}`"
        return Overview(sync.name, name, None, 0, {}, None, False, None, way_on)
    generation = parts.ledger.generation(known.platform, known.account, known.id)
    told = parts.patience.ask(parts.connect().read, known.id)
    return Overview(
        sync=sync.name,
        audience=known.name,
        id=known.id,
        members=generation.sizes.members if generation else 0,
        identifiers=dict(generation.sizes.identifiers) if generation else {},
        platform_size=told.size,
        adopted=known.adopted,
        replacing_since=known.replace_begun_at,
        way_on=_way_on(parts, adopted=known.adopted, begun=known.replace_begun_at),
        takes_out=sync.takes_out,
    )


def _way_on(parts: Parts, *, adopted: bool, begun: datetime | None) -> str:
    sync = parts.sync
    if begun is not None:
        return (
            f"`syncd sync {sync.name}` asks what became of the replacement, and sends everyone "
            "once more where it did not end well"
        )
    if sync.takes_out:
        return "others fill it; this sync only takes members out"
    if not sync.removes:
        return "this sync only adds; others stay in" if adopted else ""
    if not parts.platform.capabilities.replace:
        return f"{parts.platform.title} cannot replace an audience as a whole" if adopted else ""
    must = "takes the others out" if adopted else "only if others may have filled it"
    return f"`syncd reconcile {sync.name} --replace` {must}"


def replace_audience(make: Callable[[], Parts], *, actor: str) -> Result:
    """Make an audience equal to its segment, and let nobody else stay in it.

    An ordinary run goes first, under all its guards; a foreign audience is taken over.

    Args:
        make: The sync's parts, for each of two runs.
        actor: For the audit.

    Returns:
        How the run that replaced it ended.

    Raises:
        syncd.errors.UsageError: The sync only adds, or the platform cannot do it.
        syncd.errors.Held: Removals wait for a person; nothing was replaced.
        syncd.errors.SyncdError: It did not come to its end; the next run carries on.
    """
    parts = make()
    sync = parts.sync
    if sync.takes_out:
        raise UsageError(
            f"sync {sync.name} only takes members out of an audience that others fill (mode: "
            "remove): it has nobody to replace them with"
        )
    if not sync.removes:
        raise UsageError(
            f"sync {sync.name} only adds (mode: add), and to replace its audience would remove; "
            "`mode: mirror` lets it"
        )
    if not parts.platform.capabilities.replace:
        raise UsageError(f"{parts.platform.title} cannot replace an audience as a whole")
    first = run(parts, Wish(actor, adopt=True))
    if first.plan.held:
        raise RemovalsHeld(first.plan.id, first.plan.held)
    return run(make(), Wish(actor, full=True, wait=True, replace=True))
