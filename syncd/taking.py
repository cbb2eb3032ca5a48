"""When taking members out of an audience that others fill waits for a person; pure.

A query that became too broad would take everybody out, and nobody here could put them back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from syncd.model import Guard


def taking_reasons(
    *, taken: int, stated: int | None, listed: int, guard: Guard, changes: Sequence[str]
) -> tuple[str, ...]:
    """Say why members may not be taken out unasked; nothing if they may.

    Args:
        taken: Members of whom something would be taken out for the first time.
        stated: People in the audience by its platform, at least; None or 0 where it states
            none: some say nothing better of a small audience.
        listed: Members who were taken out before.
        guard: Its `min_members` is not asked: a small segment takes few out.
        changes: What is not as in the last run that passed, a sentence each.
    """
    if not taken:
        return ()
    reasons = list(changes)
    limit = guard.max_removed_count
    if limit is not None and taken > limit:
        reasons.append(f"{taken:,} members would be taken out, more than {limit:,}")
    reasons += _share(taken, stated or 0, listed, guard)
    return tuple(reasons)


def _share(taken: int, stated: int, listed: int, guard: Guard) -> Iterator[str]:
    of, what = (stated, "people in the audience") if stated else (listed, "taken out before")
    if not of:
        yield (
            f"{taken:,} members would be taken out for the first time, and the platform states no "
            "size to measure them by"
        )
    elif taken > guard.max_removed * of:
        yield (
            f"{taken:,} members would be taken out, of {of:,} {what} ({taken / of:.0%}, "
            f"max_removed is {guard.max_removed:.0%})"
        )
