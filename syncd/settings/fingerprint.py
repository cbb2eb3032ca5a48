"""A digest of the settings that shape a plan."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from syncd.model import Fact
from syncd.settings.accounts import literals
from syncd.settings.reading import Settings

FORM = 1  # raised when the same settings begin to mean another plan


def configuration_digest(
    settings: Settings,
    sync: str,
    *,
    sql_digest: str,
    facts: Iterable[Fact] = (),
    expired: bool = False,
) -> str:
    """Digest what of a configuration decides how a sync's plan comes out.

    The names of the sync, its segment and its account are left out: renaming changes
    nothing. So are secrets, and what acts only after a plan is made (schedule, poll,
    max_unusable).

    Args:
        settings: The configuration.
        sync: Name of the sync.
        sql_digest: SHA-256 of the segment's SQL as it is sent to the shop, hex.
        facts: For which its audience is made.
        expired: Its segment may not be used any more.

    Returns:
        SHA-256, hex.
    """
    chosen = settings.syncs[sync]
    said = sorted(fact.value for fact in facts)
    account = settings.accounts[chosen.account]
    shape = {
        "form": FORM,
        "shop": _shop(settings),
        "segment": _segment(settings, chosen.segment, sql_digest, expired=expired),
        **_arm(settings, chosen.segment, chosen.arm),
        "account": {
            "connector": account.connector,
            "endpoint": account.endpoint,
            "options": literals(account),
        },
        "audience": {"name": chosen.audience.name, "id": chosen.audience.id},
        "mode": chosen.mode,
        "identifiers": sorted(kind.value for kind in chosen.identifiers),
        # Only where some are, likewise.
        **({"details": sorted(one.value for one in chosen.details)} if chosen.details else {}),
        **({"facts": said} if said else {}),
        "consent": chosen.consent,
        "guard": chosen.guard.model_dump(),
        "settle": chosen.settle.total_seconds(),
    }
    text = json.dumps(shape, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def defined(settings: Settings, name: str, sql_digest: str) -> str:
    """Who is in a segment, for a person, and told from what it was before by a few digits.

    Args:
        settings: The configuration.
        name: Of the segment.
        sql_digest: SHA-256 of its SQL, hex.
    """
    segment = settings.segments[name]
    given = [
        f"{how} {json.dumps(dict(values), ensure_ascii=False, sort_keys=True)}"
        for how, values in (("with", segment.with_), ("stay", segment.stay))
        if values
    ]
    return f"{', '.join([segment.described, *given])} (SQL {sql_digest[:8]})"


def _segment(settings: Settings, name: str, sql_digest: str, *, expired: bool) -> dict[str, object]:
    segment, held = settings.segments[name], settings.holdout(name)
    return {
        "use": segment.use,
        "with": dict(segment.with_),
        "sql": sql_digest,
        # Only where it is set: plans that wait were drawn without it.
        **({"prehashed": True} if segment.prehashed else {}),
        **({"expired": True} if expired else {}),
        **({"stay": dict(segment.stay)} if segment.stay else {}),
        **({"holdout": [held.share, held.seed]} if held else {}),
    }


def _arm(settings: Settings, segment: str, arm: str) -> dict[str, object]:
    """What decides who is in an arm; nothing where all are sent."""
    arms = settings.arms(segment)
    return {"arm": [arm, dict(arms.shares), arms.seed]} if arms and arm else {}


def _shop(settings: Settings) -> dict[str, object]:
    shop = settings.shop
    return {
        "url": shop.url,
        "schema": shop.schema_,
        "timezone": shop.timezone,
        "default_country": shop.default_country,
        # Only where they are set, likewise.
        **shop.model_dump(
            include={"layout", "prefix", "stores", "paid", "consent"}, exclude_defaults=True
        ),
    }
