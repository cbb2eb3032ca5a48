"""How things stand, gathered for the page from the ledger and the configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from syncd import __version__
from syncd.app import App, account_key, platforms
from syncd.ledger.audiences import KnownAudience
from syncd.ledger.figures import Moment
from syncd.ledger.lock import holder
from syncd.logs import scrubbed
from syncd.model import Run, RunState
from syncd.needs import needed
from syncd.ports import Platform
from syncd.settings import GuardSettings, SyncSettings
from syncd.staleness import stale_at
from syncd.web import surveyed
from syncd.web.shapes import (
    AccountTold,
    AlertTold,
    ChainTold,
    DeliveryTold,
    Now,
    OrphanTold,
    SegmentTold,
    SyncTold,
)
from syncd.web.wording import every

DELIVERIES = 20  # messages that are shown

Platforms = Mapping[str, Platform]  # installed ones, by name; to look for them takes a while


def now_of(app: App, seen: Moment, chain: ChainTold) -> Now:
    """Everything that is so at this moment."""
    first, known, found = holder(app.directory), platforms(), surveyed.Known.of(seen)
    return Now(
        at=app.clock.now(),
        version=__version__,
        zone=app.settings.shop.timezone,
        runner=first.name.split()[0] if first else "",
        syncs=tuple(_sync(app, seen, known, name) for name in app.settings.syncs),
        orphans=tuple(_orphans(app, seen, known)),
        segments=tuple(_segment(app, seen, known, found, name) for name in app.settings.segments),
        accounts=tuple(_account(app, known, name) for name in app.settings.accounts),
        alerts=tuple(
            AlertTold(one.subject, one.condition, one.opened_at, scrubbed(one.said))
            for one in app.ledger.alerts.open()
        ),
        deliveries=tuple(
            DeliveryTold(
                *(each.notice.at, each.notice.subject, each.notice.condition, each.notice.turn),
                *(each.target, each.state, scrubbed(each.code)),
            )
            for each in app.ledger.alerts.deliveries(DELIVERIES)
        ),
        targets=tuple(app.settings.alerts.targets),
        erasures=len(app.ledger.erasures.open()),
        chain=chain,
        survey=surveyed.told(app, found),
    )


def _sync(app: App, seen: Moment, installed: Platforms, name: str) -> SyncTold:
    chosen = app.settings.syncs[name]
    platform = installed[app.settings.accounts[chosen.account].connector]
    known, last = seen.audience_of(name), _last(app, name)
    generation = seen.generation(known.pk) if known else None
    at = (known.platform, known.account, known.id) if known else None
    needs = needed(app.ledger, name)
    return SyncTold(
        name=name,
        pk=known.pk if known else None,
        segment=chosen.segment,
        platform=platform.name,
        title=platform.title,
        account=chosen.account,
        audience=known.name if known else chosen.audience.name or chosen.audience.id or "",
        mode=chosen.mode,
        schedule=every(chosen.schedule, app.settings.shop.timezone),
        guard=_guard(chosen.guard),
        consent=_consent(chosen),
        sends=", ".join(kind.value for kind in chosen.identifiers),
        state=last.state.value if last else "never run",
        error=last.error if last else "",
        run=last.id if last else "",
        began_at=last.started_at if last else None,
        ended_at=last.ended_at if last else None,
        due_at=seen.due_at(name),
        stale_at=stale_at(seen, app.settings, name),
        needs=needs,
        why=_why(seen, known, last, needs),
        members=generation.sizes.members if generation else None,
        refused=generation.sizes.refused if generation else 0,
        under_way=len(app.ledger.under_way(*at)) if at else 0,
        keeps_days=known.lifespan.days if known and known.lifespan else None,
        refreshed_at=known.refreshed_at if known else None,
        adopted=known.adopted if known else False,
        sizes=platform.sizes,
        rates=platform.rates,
    )


def _last(app: App, name: str) -> Run | None:
    """The last run, under way or not, that did more than show a plan."""
    runs = app.ledger.runs(name, 20)
    return next((one for one in runs if one.state is not RunState.PLANNED), None)


def _why(seen: Moment, known: KnownAudience | None, last: Run | None, needs: str) -> str:
    """Why a person is needed, in a sentence."""
    if not needs:
        return ""
    if known is not None and known.replace_begun_at is not None:
        return "The audience was about to be replaced as a whole; members may be missing."
    if needs.startswith("syncd approve "):
        plan = seen.plan(needs.rpartition(" ")[2])
        return f"Removals are held: {'; '.join(plan.held)}." if plan else ""
    return scrubbed(last.detail.split("\n")[0]) if last else ""


def _guard(guard: GuardSettings) -> str:
    said = f"removals wait beyond {guard.max_removed:.0%} of the audience"
    if guard.max_removed_count is not None:
        said += f", or {guard.max_removed_count:,} members"
    if guard.min_members:
        said += f", or if the segment has fewer than {guard.min_members:,} members"
    return said


def _consent(chosen: SyncSettings) -> str:
    if chosen.mode == "remove":
        return "nobody is added, so nobody is asked"
    if chosen.consent == "granted":
        return "only members who granted consent are sent"
    return "members who denied consent are not sent"


def _orphans(app: App, seen: Moment, known: Platforms) -> Iterator[OrphanTold]:
    for each in seen.audiences():
        if each.sync in app.settings.syncs or each.state != "active":
            continue
        generation = seen.generation(each.pk)
        title = known[each.platform].title if each.platform in known else each.platform
        members = generation.sizes.members if generation else 0
        needs = f"syncd retire {each.id}"
        yield OrphanTold(each.name, title, each.account, members, needs)


def _segment(
    app: App, seen: Moment, known: Platforms, found: surveyed.Known, name: str
) -> SegmentTold:
    from syncd.segments import catalogue, definition  # noqa: PLC0415 - as in `syncd.app`

    chosen = app.settings.segments[name]
    shipped = {each.name: each for each in catalogue()}
    path = app.settings.sql_file(name)
    own = path.read_text("utf-8") if path is not None and path.is_file() else ""
    counted, holdout = found.of_segment(name), app.settings.holdout(name)
    members = counted.members if counted else None
    return SegmentTold(
        name=name,
        source=f"your own SQL: {chosen.sql}" if chosen.sql else chosen.described,
        wording=shipped[chosen.use].wording if chosen.use in shipped else "",
        parameters=", ".join(f"{key} {value}" for key, value in chosen.with_.items()),
        # A net: a file may name a colleague's address that is to be left out.
        sql=scrubbed(definition(chosen.use) if chosen.use else own or chosen.described).strip(),
        syncs=tuple(key for key, sync in app.settings.syncs.items() if sync.segment == name),
        own=path is not None,
        holdout=holdout.percent if holdout else "",
        arms=str(app.settings.arms(name) or ""),
        counted=counted,
        trouble=found.trouble(name),
        small=tuple(surveyed.small(app, seen, known, name, members)),
        lift=found.lift(name),
        lift_trouble=found.lift_trouble(name),
    )


def _account(app: App, known: Platforms, name: str) -> AccountTold:
    platform = known[app.settings.accounts[name].connector]
    key = account_key(app.settings, name)
    throttled = app.ledger.accounts.throttled(platform.name, key)
    warned = app.ledger.accounts.warned(platform.name, key)
    waits_until: datetime | None = throttled.until if throttled else None
    credential = app.ledger.accounts.credential(platform.name, key)
    return AccountTold(
        name=name,
        title=platform.title,
        account=key,
        sent=sum(count for _, count in app.ledger.accounts.sent(platform.name, key)),
        waits_until=waits_until,
        waits_for=scrubbed(throttled.code) if throttled else "",
        warning=scrubbed(warned.text) if warned else "",
        warned_at=warned.at if warned else None,
        credential_ends=credential.ends_at if credential else None,
    )
