"""Audiences that no configured sync fills any more, and which of them a person means."""

from __future__ import annotations

from collections.abc import Sequence

from syncd.app import App
from syncd.errors import UsageError
from syncd.ledger.audiences import KnownAudience
from syncd.runs.parts import Parts


def orphans(app: App) -> tuple[KnownAudience, ...]:
    """Audiences that no configured sync fills and that may still hold members of ours."""
    return tuple(
        audience
        for audience in app.ledger.audiences()
        if audience.sync not in app.settings.syncs and audience.state == "active"
    )


def orphan(app: App, wanted: str) -> KnownAudience:
    """The orphan of this name, id or `PLATFORM/ACCOUNT/ID`; also one that was emptied before.

    Raises:
        syncd.errors.UsageError: There is none, more than one, or a configured sync fills it.
    """
    named = [one for one in app.ledger.audiences() if wanted in {one.id, one.name, whole(one)}]
    # What was emptied before is meant only where nothing else can be.
    named = [one for one in named if one.state == "active"] or named[-1:]
    if not named:
        raise UsageError(f"syncd knows no audience {wanted!r}. {_listed(orphans(app))}")
    if len(named) > 1:
        ids = ", ".join(whole(one) for one in named)
        raise UsageError(f"{len(named)} audiences are called {wanted!r}: say which, {ids}")
    (audience,) = named
    if audience.state == "active" and audience.sync in app.settings.syncs:
        raise UsageError(
            f"audience {audience.name} ({audience.id}) is filled by sync {audience.sync}: take "
            "that sync out of the configuration first (one that names another audience now "
            "leaves this one with its next run)"
        )
    return audience


def parts_of(app: App, audience: KnownAudience) -> Parts:
    """What it takes to empty it.

    Raises:
        syncd.errors.UsageError: Its account is not configured any more.
    """
    parts = app.parts_of(audience)
    if parts is None:
        raise UsageError(
            f"audience {audience.name} is of the account {audience.platform} "
            f"{audience.account}, which is not configured any more: configure it again first"
        )
    return parts


def whole(audience: KnownAudience) -> str:
    """What no other audience is called."""
    return f"{audience.platform}/{audience.account}/{audience.id}"


def _listed(found: Sequence[KnownAudience]) -> str:
    if not found:
        return "Every audience that it knows is filled by a configured sync"
    names = ", ".join(f"{one.name} ({whole(one)})" for one in found)
    return f"No sync fills any more: {names}"
