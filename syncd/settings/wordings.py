"""Audiences that a platform would flag for their names, before it is asked to create them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from syncd.model import Wording
from syncd.model.making import worded
from syncd.settings.reading import Settings


class Flags(Protocol):
    """The part of `syncd.ports.Platform` that names are compared with."""

    @property
    def title(self) -> str:
        """As people read it."""
        ...

    @property
    def wording(self) -> Wording:
        """Words that an audience's name had better not hold."""
        ...


def flagged(settings: Settings, platforms: Mapping[str, Flags]) -> Iterator[tuple[str, str]]:
    """Yield each sync whose audience would be flagged, with what to do about it."""
    for name, sync in settings.syncs.items():
        platform = platforms.get(settings.accounts[sync.account].connector)
        if platform is None or not (sync.audience.name and sync.audience.lint):
            continue
        if sync.mode == "remove":  # which makes none
            continue
        words = worded(platform.wording, sync.audience.name, sync.audience.options)
        if words:
            said = (
                f"{platform.title} flags audiences whose name or description speaks of "
                f"{platform.wording.about}, and this one says {', '.join(words)}; it is not "
                "created so. Name it otherwise, or set `lint: off` beside the name"
            )
            yield name, said


def name_warnings(settings: Settings, platforms: Mapping[str, Flags]) -> tuple[str, ...]:
    """The same as notes, `FILE:LINE` first."""
    return tuple(
        f"{settings.where('syncs', name, 'audience')}: syncs.{name}.audience: {said}"
        for name, said in flagged(settings, platforms)
    )
