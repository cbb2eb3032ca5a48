"""From what the ledger holds to what is new or over, and so to the outbox."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Protocol

import structlog

from syncd.alerts.conditions import Finding, View, of_accounts, of_sync
from syncd.leaving.lateness import late
from syncd.ledger.alerting import Alert, Change
from syncd.ledger.store import Ledger
from syncd.logs import scrubbed
from syncd.ports import Clock
from syncd.runs import expiry
from syncd.settings import Settings

log = structlog.get_logger()


class Watched(Protocol):
    """The part of `syncd.app.App` that is looked at."""

    @property
    def settings(self) -> Settings:
        """The configuration."""
        ...

    @property
    def ledger(self) -> Ledger:
        """What happened, and what was told of it."""
        ...

    @property
    def clock(self) -> Clock:
        """The wall clock."""
        ...

    @property
    def settle(self) -> timedelta:
        """The longest settle window of any sync."""
        ...

    def names(self, prefix: str) -> str:
        """A new id."""
        ...

    def account_of(self, sync: str) -> tuple[str, str]:
        """The platform and the account of a sync, as the ledger names them."""
        ...

    def lifespan_of(self, sync: str) -> timedelta | None:
        """For how long its platform keeps members, where an audience does not say so."""
        ...


def look(app: Watched) -> int:
    """Note what is new and what is over, each with its message; how many changes.

    Called before the first run of a process and after each run. A process that dies in
    between loses nothing: the ledger's facts are there, and the next one looks at them
    before it changes any.
    """
    alerts = app.ledger.alerts
    with alerts.turn:
        now = app.clock.now()
        known = {(one.subject, one.condition): one for one in alerts.open()}
        found = list(_findings(app))
        changes = [*_changes(app, known, found), *_gone(app, known, found)]
        if not changes:
            return 0
        kept = alerts.keep(changes, targets=tuple(app.settings.alerts.targets), now=now)
    for one in changes:
        log.info("alert_kept", turn=one.turn, subject=one.subject, condition=one.condition)
    return kept


def _findings(app: Watched) -> Iterator[Finding]:
    settings, now = app.settings, app.clock.now()
    with app.ledger.figures.moment() as seen:
        yield from of_accounts(seen, settings)
        for name in settings.syncs:
            yield from of_sync(View(seen, settings, now, name, app.lifespan_of(name)))
    for account in sorted({sync.account for sync in settings.syncs.values()}):
        yield _warned(app, account)
        yield from _credential(app, account)
    yield from _erasures(app)


def _warned(app: Watched, account: str) -> Finding:
    of = next(name for name, sync in app.settings.syncs.items() if sync.account == account)
    warned = app.ledger.accounts.warned(*app.account_of(of))
    if warned is None:
        said = f"Nothing was heard of it for account {account} for a week."
        return Finding(f"account {account}", "warned", holds=False, said=said)
    said = f"The platform's answers for account {account} warn: {warned.text.rstrip('.')}."
    return Finding(f"account {account}", "warned", holds=True, said=said)


def _credential(app: Watched, account: str) -> Iterator[Finding]:
    """Nothing is found where its platform never stated an end, or that there is none."""
    of = next(name for name, sync in app.settings.syncs.items() if sync.account == account)
    kept, now = app.ledger.accounts.credential(*app.account_of(of)), app.clock.now()
    if kept is None or kept.stated_at is None:
        return
    subject, condition = f"account {account}", "credential_ending"
    if kept.ends_at is None:
        said = f"The platform states no end of the credential of account {account}."
        yield Finding(subject, condition, holds=False, said=said)
        return
    said = f"The credential of account {account}: {expiry.sentence(kept.ends_at, now)}."
    holds = expiry.is_near(kept.ends_at, now)
    if holds:
        said += (
            " After that the platform denies the account, and nothing of it is sent. Make a new "
            "one and put it where the configuration refers to; within a day of the next run syncd "
            f"asks when that one ends. `syncd doctor accounts` asks now, `syncd sync {of}` runs."
        )
    yield Finding(subject, condition, holds=holds, said=said)


def _erasures(app: Watched) -> Iterator[Finding]:
    now = app.clock.now()
    tardy = {each.erasure: each for each in late(app.ledger, now=now, settle=app.settle)}
    for name, each in tardy.items():
        hours = (now - each.asked_at).total_seconds() / 3600
        said = (
            f"Erasure {name} was asked for {hours:,.0f} h ago and takes too long: "
            f"{'; '.join(each.places)}. `syncd erase --status` lists all, `syncd erase --resume` "
            "tries again now."
        )
        yield Finding(f"erasure {name}", "erasure_late", holds=True, said=said)


def _changes(
    app: Watched, known: dict[tuple[str, str], Alert], found: list[Finding]
) -> Iterator[Change]:
    for each in found:
        told = known.get((each.subject, each.condition))
        if each.holds and told is None:
            said = scrubbed(each.said)  # a net: what is found never holds a customer's data
            yield Change(app.names("n"), each.subject, each.condition, "opened", said)
        elif told is not None and not each.holds:
            yield _over(app, told, each.said)


def _gone(
    app: Watched, known: dict[tuple[str, str], Alert], found: list[Finding]
) -> Iterator[Change]:
    """What is open of what is not there any more."""
    settings = app.settings
    there = {f"sync {name}" for name in settings.syncs}
    there |= {f"account {sync.account}" for sync in settings.syncs.values()}
    there |= {each.subject for each in found}
    for (subject, _), told in known.items():
        if subject.startswith("erasure ") and subject not in there:
            yield _over(app, told, f"It is complete: {subject}.")
        elif subject not in there:
            yield _over(app, told, f"The configuration has no {subject} any more.")


def _over(app: Watched, told: Alert, said: str) -> Change:
    since = f"What was told at {told.opened_at:%Y-%m-%d %H:%M} UTC is over."
    text = scrubbed(f"{said} {since}")
    return Change(app.names("n"), told.subject, told.condition, "recovered", text)
