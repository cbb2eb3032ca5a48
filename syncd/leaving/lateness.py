"""When an erasure takes too long, and what keeps it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from syncd.ledger.audiences import KnownAudience
from syncd.ledger.store import Ledger
from syncd.model import Erased, Erasure, ErasureId

# Until the first removal is accepted everywhere: a long weekend of a platform that is down.
# The law gives a month, and whoever has to see to it needs most of that.
FIRST = timedelta(hours=72)


@dataclass(frozen=True, slots=True)
class Late:
    """An erasure that takes too long.

    Attributes:
        places: What keeps it and why, place by place.
    """

    erasure: ErasureId
    asked_at: datetime
    places: tuple[str, ...]


def late(ledger: Ledger, *, now: datetime, settle: timedelta) -> tuple[Late, ...]:
    """Open erasures that take too long, the oldest first.

    That is: `FIRST` after it was asked for, somewhere no removal was accepted yet. Or that
    long after it could be complete: it is removed, confirmed after the settle window, and
    that settles too.

    Args:
        ledger: Where they are.
        now: The moment.
        settle: The longest settle window of any sync.
    """
    found = []
    for erasure in ledger.erasures.open():
        age = now - erasure.asked_at
        told = _told(ledger, erasure)
        places = [_why(one) for one in told if age > FIRST and _untouched(one)]
        if age > 2 * settle + FIRST:
            rest = [one for one in told if one.purged_at is None and not _untouched(one)]
            places += [_why(one) for one in rest]
            places = places or ["files of plans from before it are not swept yet"]
        if places:
            found.append(Late(erasure.id, erasure.asked_at, tuple(places)))
    return tuple(found)


def _untouched(one: Erased) -> bool:
    return one.removed_at is None and one.purged_at is None


def _told(ledger: Ledger, erasure: Erasure) -> Iterable[Erased]:
    """What became of it, also where it was not looked for yet."""
    told = ledger.erasures.told(erasure.id)
    there = {(one.platform, one.account, one.audience) for one in told}
    return [
        *told,
        *(
            _unreached(erasure, one)
            for one in ledger.audiences()
            if (one.platform, one.account, one.id) not in there
        ),
    ]


def _unreached(erasure: Erasure, at: KnownAudience) -> Erased:
    trouble = "it was not reached yet"
    return Erased(erasure.id, at.platform, at.account, at.id, at.name, trouble=trouble)


def _why(one: Erased) -> str:
    where = f"audience {one.name} ({one.audience})" if one.audience else "all audiences at once"
    waits = "its removal was not accepted yet" if _untouched(one) else "its removal has to settle"
    return f"{one.platform} {one.account}, {where}: {one.trouble or waits}"
