"""How many of a segment each platform could be sent, and about how many people it would match.

Whom a sync could send is decided as in a run: by its identifiers, after normalising, by consent,
erasures, the hold-out and arms. What a platform will match nobody knows beforehand: what is said
of it is what it matched of an audience that is there already, or nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from syncd.app import App, platforms
from syncd.membership.keptout import REASONS, reasons
from syncd.model import HASHED_KINDS, ConsentRule, Measured
from syncd.plan import consent_rule
from syncd.ports import Platform
from syncd.runs.parts import nobody

# Arrow and numpy are imported when the shop is asked, as in `syncd.app`.
# ruff: noqa: PLC0415
if TYPE_CHECKING:
    import pyarrow as pa

    from syncd.identity.digest import Digested
    from syncd.identity.erased import Watch

UNUSABLE = "no usable identifier"
_LOOKED_BACK = 20  # measurements of an audience, for one that has a rate


@dataclass(frozen=True, slots=True)
class Rate:
    """What share of members a platform matched before.

    Attributes:
        least, most: Shares, 0 to 1.
        at: When the platform stated the newest of what it is from.
        audiences: Others that it is from; 0 where it is the audience's own.
    """

    least: float
    most: float
    at: datetime
    audiences: int = 0


@dataclass(frozen=True, slots=True)
class Reach:
    """What a platform could be sent of a segment.

    Attributes:
        platform: As the ledger names it.
        title: As people read it.
        sync: That sends the segment there; "" where none does, and then it is as if one did that
            leaves everything at its default.
        lost: Members who could not be sent, by the first reason that fits; without zeros.
        sendable: The others.
        rate: What share of them it may match; None where nothing is known.
    """

    platform: str
    title: str
    sync: str
    lost: Mapping[str, int]
    sendable: int
    rate: Rate | None

    @property
    def people(self) -> tuple[int, int] | None:
        """About how many people it would match, from and to; None where nothing is known."""
        if self.rate is None:
            return None
        return round(self.sendable * self.rate.least), round(self.sendable * self.rate.most)


@dataclass(slots=True)
class Target:
    """Where a segment goes, or could go; counts the members of each batch.

    Attributes:
        digest: Makes rows of members as the platform takes them.
        watch: Knows erased persons, by their `stones`.
        control, elsewhere: Who is held out, and who is in another arm, by key.
    """

    platform: Platform
    sync: str
    rule: ConsentRule
    digest: Callable[[pa.RecordBatch], Digested] = field(repr=False)
    watch: Watch = field(repr=False)
    stones: Mapping[str, bool] = field(repr=False)
    control: Callable[[pa.Array], pa.Array] = field(repr=False, default=nobody)
    elsewhere: Callable[[pa.Array], pa.Array] = field(repr=False, default=nobody)
    members: int = 0
    lost: Counter[str] = field(default_factory=Counter)

    def add(self, batch: pa.RecordBatch) -> None:
        """Count a batch of members, as the shop has them."""
        import numpy as np

        rows = self.digest(batch).rows
        usable = np.asarray(rows["usable"].to_numpy(zero_copy_only=False), np.bool_)
        rows = rows.append_column("erased", self.watch.marks(batch, self.stones))
        rows = rows.append_column("held_out", self.control(rows["key"]))
        rows = rows.append_column("elsewhere", self.elsewhere(rows["key"]))
        self.lost[UNUSABLE] += int((~usable).sum())
        why = np.bincount(reasons(self.rule, rows)[usable], minlength=len(REASONS) + 1)
        for reason, count in zip(REASONS, why[1:], strict=True):
            self.lost[reason] += int(count)
        self.members += rows.num_rows


def targets(app: App, segment: str) -> list[Target]:
    """Every sync that sends a segment, and every other platform that there is an account on."""
    stones = app.ledger.erasures.stones()
    syncs = [
        name
        for name, each in app.settings.syncs.items()
        if each.segment == segment and each.mode != "remove"
    ]
    found = [_of_sync(app, name, stones) for name in syncs]
    there = {each.platform.name for each in found}
    others = {account.connector for account in app.settings.accounts.values()} - there
    return found + [_of_platform(app, segment, name, stones) for name in sorted(others)]


def _of_sync(app: App, name: str, stones: Mapping[str, bool]) -> Target:
    parts = app.parts(name)
    return Target(
        *(parts.platform, name, parts.consent, parts.digest, parts.watch, stones),
        *(parts.control, parts.elsewhere),
    )


def _of_platform(app: App, segment: str, name: str, stones: Mapping[str, bool]) -> Target:
    """As a sync would do that sets nothing of its own."""
    from syncd.identity.digest import Policy, digest
    from syncd.identity.erased import Watch
    from syncd.identity.rules import rule_set

    platform = platforms()[name]
    able, configured = platform.capabilities, app.settings.segments.get(segment)
    prehashed = bool(configured and configured.prehashed)
    policy = Policy(
        rules=rule_set(platform.rules),
        kinds=frozenset(HASHED_KINDS) & able.kinds,
        default_country=app.settings.shop.default_country,
        max_identifiers=able.max_identifiers,
        prehashed=prehashed,
    )
    holdout = app.settings.holdout(segment)
    return Target(
        *(platform, "", consent_rule(able, "not_denied"), partial(digest, policy=policy)),
        *(Watch(app.tombstone_key, policy.default_country, prehashed), stones),
        app.control(holdout).marks if holdout else nobody,
    )


def reached(app: App, counted: Iterable[Target]) -> Iterator[Reach]:
    """What could be sent to each, once all batches were counted, and what would be matched."""
    for each in counted:
        lost = {reason: number for reason, number in each.lost.items() if number}
        rate = _own(app, each.sync) or _others(app, each)
        name, title = each.platform.name, each.platform.title
        sendable = each.members - sum(lost.values())
        yield Reach(name, title, each.sync, lost, sendable, rate)


def _own(app: App, sync: str) -> Rate | None:
    """What the platform last matched of the very audience."""
    known = app.ledger.audience_of(sync) if sync else None
    return _last(app, (known.platform, known.account, known.id)) if known else None


def _others(app: App, target: Target) -> Rate | None:
    """The narrowest that holds what the platform last matched of each audience there."""
    rates = [
        rate
        for each in app.ledger.audiences()
        if each.platform == target.platform.name and each.sync != (target.sync or None)
        for rate in [_last(app, (each.platform, each.account, each.id))]
        if rate is not None
    ]
    if not rates:
        return None
    return Rate(
        min(rate.least for rate in rates),
        max(rate.most for rate in rates),
        max(rate.at for rate in rates),
        len(rates),
    )


def _last(app: App, at: tuple[str, str, str]) -> Rate | None:
    stated = app.ledger.measured.of(*at, limit=_LOOKED_BACK)
    return next((rate for one in stated if (rate := _rate(one)) is not None), None)


def _rate(stated: Measured) -> Rate | None:
    """The platform's own word before our estimate; nobody matches more than was sent."""
    if stated.matched is not None:
        least, most = stated.matched.least / 100, stated.matched.most / 100
    elif stated.match_rate is not None:
        least, most = stated.match_rate
    else:
        return None
    return Rate(min(least, 1.0), min(most, 1.0), stated.at)
