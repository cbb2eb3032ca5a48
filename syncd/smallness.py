"""Audiences that their platform will hardly use, for they are too small."""

from __future__ import annotations

from syncd.ports import Platform


def too_small(platform: Platform, members: int) -> str:
    """Say that so many members are too few for a platform; nothing where they are not.

    It matches only some of them, so a few more than it wants are too few too; how many it
    matches nobody knows beforehand. A warning: the figures move, and lists grow.

    Args:
        platform: Where they go.
        members: Who may be sent.
    """
    least = platform.capabilities.smallest
    if members >= least:
        return ""
    return (
        f"{members:,} members are too few: {platform.title} uses an audience from about "
        f"{least:,} matched people on; take a larger segment, or put several together with `any`"
    )
