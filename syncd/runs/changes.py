"""What about a snapshot is not as it was: signs of a shop gone wrong, not of customers.

Each holds removals until a person has looked, however few they are; the sentences say why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from syncd.model import Snapshot

# Refused values of a field, beyond the share that the last snapshot had: of all rows, and
# so many. A few are a few customers' typing, however small the shop.
SUDDEN = 0.10
MANY = 20


def changes(before: Snapshot | None, now: Snapshot) -> tuple[str, ...]:
    """Compare a snapshot with the last one whose removals were free to go.

    Args:
        before: That one; None where there is none to compare with.
        now: The new one.
    """
    if before is None:
        return ()
    return (*_columns(before, now), *_age(before, now), *_refused(before, now))


def _columns(before: Snapshot, now: Snapshot) -> Iterator[str]:
    gone = [f"-{name}" for name in before.columns if name not in now.columns]
    new = [f"+{name}" for name in now.columns if name not in before.columns]
    if gone or new:
        yield f"the segment's columns changed: {' '.join(gone + new)}"


def _age(before: Snapshot, now: Snapshot) -> Iterator[str]:
    """A clock that went back: what is newer in truth would be undone."""
    if now.as_of < before.as_of:
        yield (
            f"the snapshot is of {now.as_of:%Y-%m-%d %H:%M:%S}, older than the last one, of "
            f"{before.as_of:%Y-%m-%d %H:%M:%S} (UTC): this machine's clock went back"
        )


def _refused(before: Snapshot, now: Snapshot) -> Iterator[str]:
    """A column in a new format: its values are there and none of them can be used."""
    earlier, later = _by_field(before), _by_field(now)
    for field in sorted(later):
        was, share = earlier[field] / max(before.rows, 1), later[field] / max(now.rows, 1)
        if share - was > SUDDEN and later[field] - was * now.rows >= MANY:
            yield (
                f"{later[field]:,} of {now.rows:,} rows have an unusable {field} ({share:.0%}, "
                f"last time {was:.0%}); `syncd identity sample {now.segment}` says why"
            )


def _by_field(snapshot: Snapshot) -> Counter[str]:
    found: Counter[str] = Counter()
    for refused in snapshot.refused:
        found[refused.field] += refused.count
    return found
