"""Erasing a person: asked for once, kept for good, carried out ahead of everything else.

`ask` commits tombstones, so that from then on no snapshot brings the person back, and an
encrypted file of digests to remove by. `carry_out` removes from one audience what its
membership holds of open erasures, once at once and once more after the settle window, and
drops their rows when that has settled. It is called at the start of every run, and by
`carry_on` for all audiences, those that no sync fills any more among them. An erasure
stays open until nothing of it is left anywhere; then its file goes too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, cast

import structlog

from syncd.errors import PlatformError, Stopped, SyncdError
from syncd.identity.rules import rule_set
from syncd.leaving.erasing import carry_out, left_in
from syncd.leaving.lateness import late
from syncd.ledger.audiences import KnownAudience
from syncd.ledger.store import Ledger
from syncd.model import (
    ROW_COLUMNS,
    AuditEvent,
    Erased,
    Erasure,
    ErasureId,
    RuleSet,
)
from syncd.ports import Clock, Connector, Forgets, Membership, Platform
from syncd.retry import Patience
from syncd.runs.parts import Parts

if TYPE_CHECKING:
    import pyarrow as pa

    from syncd.identity.erased import Person

SETTLE = timedelta(hours=48)  # of an account as a whole, which has no sync to say another
_ACCOUNT = ""  # in place of an audience's id: all of the account's at once
# Accounts may be seen to side by side, but whether an erasure is over is asked by one.
_end = threading.Lock()

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ErasingAccount:
    """A configured account; `account` as the ledger names it."""

    platform: Platform
    account: str
    connect: Callable[[], Connector] = field(repr=False)
    patience: Patience


@dataclass(frozen=True, slots=True)
class Desk:
    """What an erasure as a whole works with, put together once by `syncd.app`.

    Attributes:
        parts_of: What it takes to remove from an audience; None where its account is not
            configured any more.
        rules: The rule sets in use.
        key: The ledger's sub-key for tombstones.
        names: Makes a new id from a prefix.
        settle: The longest settle window of any sync.
    """

    ledger: Ledger
    membership: Membership
    accounts: tuple[ErasingAccount, ...]
    parts_of: Callable[[KnownAudience], Parts | None]
    rules: tuple[RuleSet, ...]
    key: bytes = field(repr=False)
    default_country: str | None
    clock: Clock
    names: Callable[[str], str]
    settle: timedelta = SETTLE


# --- asking -------------------------------------------------------------------------


def ask(desk: Desk, person: Person, *, actor: str) -> Erasure:
    """Keep that a person is to be erased; needs no lock, and sends nothing.

    Raises:
        syncd.errors.UsageError: Something that was given cannot be normalised; nothing
            was kept.
    """
    from syncd.identity.erased import as_rows, tombstones  # noqa: PLC0415 - a daemon waits without

    stones = tombstones(person, desk.rules, key=desk.key, default_country=desk.default_country)
    platforms = {each.platform.name: each.platform for each in desk.accounts}
    # Audiences whose account is not configured may come back, by their platform's name.
    rules = {each.name: each for each in desk.rules}
    rules |= {name: rule_set(platform.rules) for name, platform in platforms.items()}
    given = {name: as_rows(person, each, desk.default_country) for name, each in rules.items()}
    erasure_id = ErasureId(desk.names("e"))
    file = desk.membership.keep_given(erasure_id, given)
    now = desk.clock.now()
    erasure = Erasure(erasure_id, actor, now, None, file.path, file.checksum)
    whole = {
        (each.platform.name, each.account): Erased(
            erasure_id, each.platform.name, each.account, _ACCOUNT, each.platform.title
        )
        for each in desk.accounts
        if each.platform.capabilities.forgets
    }
    said = (
        f"{actor} asked for erasure {erasure_id}: one person, by {len(person.emails):,} e-mails, "
        f"{len(person.phones):,} phones and {len(person.keys):,} customer keys. From now on no "
        "run sends them."
    )
    event = AuditEvent("erasure_asked", now, actor, said)
    desk.ledger.erasures.ask(
        erasure, {each.mac: each.decides for each in stones}, whole.values(), event=event
    )
    return erasure


# --- everywhere ---------------------------------------------------------------------


def carry_on(
    desk: Desk, *, actor: str, within: tuple[str, str] | None = None
) -> tuple[SyncdError, ...]:
    """Do what is due of every open erasure, in every account and audience there is.

    One that fails does not keep the next; what failed is tried again by the next run.

    Args:
        desk: What it works with.
        actor: For the audit.
        within: Only in this account (platform and account), and in audiences whose account
            is not configured any more. One thread at a time may be in an account.

    Returns:
        What failed.

    Raises:
        syncd.errors.Stopped: We were told to end.
    """
    if not desk.ledger.erasures.open():
        return ()
    failed: list[SyncdError] = []
    configured = {(each.platform.name, each.account) for each in desk.accounts}
    elsewhere = set[tuple[str, str]]() if within is None else configured - {within}
    # Accounts come first: whoever a platform takes along with a person is then sent again
    # after the removals below, as after any removal.
    for each in desk.accounts:
        here = (each.platform.name, each.account) not in elsewhere
        if each.platform.capabilities.forgets and here:
            failed += _tried(partial(_forget, desk, each, actor=actor))
    for audience in desk.ledger.audiences():
        if (audience.platform, audience.account) not in elsewhere:
            failed += _tried(partial(_visit, desk, audience, actor=actor))
    with _end:
        close(desk.ledger, desk.membership, actor=actor, now=desk.clock.now())
        _tell_late(desk, actor=actor)
    return tuple(failed)


def _tell_late(desk: Desk, *, actor: str) -> None:
    """Say which erasures take too long: in the log each time, in the audit once."""
    now = desk.clock.now()
    told = desk.ledger.events(kind="erasure_late", newest=True)
    for each in late(desk.ledger, now=now, settle=desk.settle):
        hours = (now - each.asked_at).total_seconds() / 3600
        log.error("erasure_late", erasure=each.erasure, hours=round(hours), places=len(each.places))
        said = f"Erasure {each.erasure} is late"
        if any(event.detail.startswith(f"{said}: ") for event in told):
            continue
        said += f": {hours:,.0f} h after it was asked for it is held up. {'; '.join(each.places)}."
        event = AuditEvent("erasure_late", now, actor, said, counts={"places": len(each.places)})
        desk.ledger.audit(event)


def _tried(step: Callable[[], None]) -> list[SyncdError]:
    try:
        step()
    except Stopped:
        raise
    except SyncdError as error:
        log.error("erasure_waits", error=type(error).__name__)
        return [error]
    return []


def _visit(desk: Desk, audience: KnownAudience, *, actor: str) -> None:
    if audience.state == "retired":  # emptied for good, and its account may be gone too
        left, now = left_in(desk.ledger, audience), desk.clock.now()
        over = (replace(became, purged_at=now, trouble="") for became in left.values())
        desk.ledger.erasures.tell(over)
        return
    parts = desk.parts_of(audience)
    if parts is not None:
        carry_out(parts, parts.connect(), audience, actor=actor)
        return
    waiting = left_in(desk.ledger, audience)
    trouble = (
        f"the account {audience.platform} {audience.account} is not configured any more: "
        "configure it again, then `syncd erase --resume`"
    )
    desk.ledger.erasures.tell(replace(became, trouble=trouble) for became in waiting.values())


def close(ledger: Ledger, membership: Membership, *, actor: str, now: datetime) -> None:
    """Close the erasures of which nothing is left, and delete what they were recognised by."""
    audiences = {(a.platform, a.account, a.id) for a in ledger.audiences()}
    oldest = ledger.erasures.oldest_plan()
    for erasure in ledger.erasures.open():
        told = ledger.erasures.told(erasure.id)
        there = {(one.platform, one.account, one.audience) for one in told}
        # A plan from before may have the person in its file, or in its snapshot's.
        held_up = oldest is not None and oldest < erasure.asked_at
        if held_up or not audiences <= there or any(one.purged_at is None for one in told):
            continue
        said = (
            f"Erasure {erasure.id} is complete: what was held was removed, confirmed and purged; "
            f"`syncd erase --show {erasure.id}` prints the certificate."
        )
        ledger.erasures.close(erasure, event=AuditEvent("erasure_completed", now, actor, said))
        membership.forget_given(erasure)
    membership.sweep(ledger.named_files)
    membership.sweep_given(frozenset(one.path for one in ledger.erasures.open()))


# --- an account at once -------------------------------------------------------------


def _forget(desk: Desk, at: ErasingAccount, *, actor: str) -> None:
    """Take persons out of a whole account, at once and once more after the settle window."""
    now = desk.clock.now()
    for erasure in desk.ledger.erasures.open():
        for told in desk.ledger.erasures.told(erasure.id):
            here = (told.platform, told.account, told.audience)
            if here != (at.platform.name, at.account, _ACCOUNT) or told.purged_at is not None:
                continue
            if told.removed_at is not None and told.removed_at + SETTLE > now:
                continue
            _forget_one(desk, at, erasure, told, actor=actor)


def _forget_one(
    desk: Desk, at: ErasingAccount, erasure: Erasure, told: Erased, *, actor: str
) -> None:
    now = desk.clock.now()
    rows = _deciding(desk.membership.given(erasure, at.platform.name))
    if not rows.num_rows:
        trouble = "no e-mail or phone was given that could be sent"
        desk.ledger.erasures.tell([replace(told, purged_at=now, trouble=trouble)])
        return
    connector = cast("Forgets", at.connect())
    try:
        receipt = at.patience.ask(connector.forget, rows)
    except PlatformError as error:
        desk.ledger.erasures.tell([replace(told, trouble=str(error))])
        raise
    again = told.removed_at is not None
    became = replace(
        told,
        removed_at=told.removed_at or now,
        confirmed_at=now if again else None,
        purged_at=now if again else None,
        requests=(*told.requests, *filter(None, [receipt.reference])),
        trouble="",
    )
    said = (
        f"Erasure {erasure.id}: {at.platform.title} accepted the removal from all audiences of "
        f"account {at.account} {'once more' if again else 'at once'}, also from those that "
        "syncd does not manage."
    )
    event = AuditEvent("erasure_carried_out", now, actor, said)
    desk.ledger.erasures.tell([became], event=event)


def _deciding(given: pa.Table) -> pa.RecordBatch:
    """The rows to send for a whole account: no phone that may be a family's."""
    import pyarrow as pa  # noqa: PLC0415 - not paid by commands that erase nobody
    import pyarrow.compute as pc  # noqa: PLC0415

    whole = given.combine_chunks()
    emails = whole.column("email")
    keys = pc.binary_length(whole.column("key"))
    names_more = emails.null_count < len(emails) or bool(pc.any(pc.greater(keys, 0)).as_py())
    if names_more:
        nothing = pa.nulls(whole.num_rows, pa.binary())
        whole = whole.set_column(whole.schema.get_field_index("phone"), "phone", nothing)
    there = pc.or_(whole.column("email").is_valid(), whole.column("phone").is_valid())
    rows = whole.filter(there).select([*ROW_COLUMNS, "consent"]).combine_chunks()
    return rows.to_batches()[0] if rows.num_rows else rows.schema.empty_table().to_batches()[0]
