"""plan, sync, approve, status."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from syncd import counting
from syncd.alerts import watched
from syncd.app import App, open_app, platforms
from syncd.cli import erase, retire, through
from syncd.cli.options import actor
from syncd.cli.output import complain, print_json, progress, say, table
from syncd.errors import Busy, Held, PlanRefused, SyncdError, UsageError
from syncd.leaving import erasure
from syncd.leaving.lateness import late
from syncd.ledger.lock import Holder, holder
from syncd.model import Measured, Phase, Plan, RunState
from syncd.needs import needed
from syncd.runs import expiry
from syncd.runs.sentences import sentence
from syncd.service.orphans import orphans as orphaned
from syncd.service.turn import SCHEDULE, take
from syncd.settings import Manual, Settings
from syncd.smallness import too_small
from syncd.sync import Result, Wish, show
from syncd.web.publishing import published

APPROVED_FOR = timedelta(hours=72)
# What a caller of several syncs most needs to know, first.
_GRAVEST = (78, 77, 75, 2, 1, 4, 3, 0)


def plan(names: list[str] | None, config: Path | None, *, as_json: bool) -> None:
    """Draw plans and print them."""
    plans: list[tuple[Plan, bool]] = []

    def drawn_by(one: Callable[[str], tuple[Plan, bool]], syncs: Iterable[str]) -> int:
        def draw(name: str) -> int:
            plans.append(one(name))
            return Held.exit_code if plans[-1][0].held else 0

        return each(names or list(syncs), draw)

    try:
        with open_app(config, holder="plan") as app:
            asked = app.asked(names or app.settings.syncs)
            with app.shared.expected(asked):
                code = drawn_by(partial(_draw, app), app.settings.syncs)
    except Busy:
        door = through.door(config, Wish(actor()))
        if door is None:
            raise
        code = drawn_by(door.show, door.settings.syncs)
    if as_json:
        print_json([drawn for drawn, _ in plans])
    else:
        for drawn, kept in plans:
            _show_plan(drawn, kept=kept)
    sys.exit(code)


def _draw(app: App, name: str) -> tuple[Plan, bool]:
    with progress(name) as bars, app.shared.turn(name):
        return show(app.parts(name, progress=bars), actor=actor())


def sync(
    names: list[str],
    config: Path | None,
    *,
    plan: str | None,
    adopt: bool,
    wait: bool,
    full: bool,
    scheduled: bool,
    as_json: bool,
) -> None:
    """Run syncs one after the other; one that fails does not keep the next."""
    if plan and len(names) > 1:
        raise UsageError("--plan belongs to one sync; name that one")
    if plan and full:
        raise UsageError("--plan carries out what was shown, and --full sends everyone: choose")
    if scheduled and (plan or full or adopt):
        raise UsageError("--scheduled is for a timer; --plan, --full and --adopt are a person's")
    wish = Wish(SCHEDULE if scheduled else actor(), plan, adopt=adopt, wait=wait, full=full)
    try:
        with open_app(config, holder=f"sync {' '.join(names)}") as app, shown(app):
            code = run_here(app, names, wish, as_json=as_json)
    except Busy:
        door = through.door(config, wish)
        if door is None:
            raise
        code = run_each(names, door.run, door.settings, as_json=as_json)
    sys.exit(code)


def approve(plan: str, config: Path | None, *, wait: bool, as_json: bool) -> None:
    """Keep the approval and run the plan's sync with it."""
    wish = Wish(actor(), wait=wait)
    try:
        with open_app(config, holder=f"approve {plan}") as app:
            sync = _approve(app, plan, wish.actor)
            with shown(app):
                code = run_here(app, [sync], wish, as_json=as_json)
    except Busy:
        door = through.door(config, wish)
        if door is None:
            raise
        # To approve is to write one transaction, as people do in `syncd erase`: no lock for it.
        with open_app(config) as app:
            sync = _approve(app, plan, wish.actor)
        code = run_each([sync], door.run, door.settings, as_json=as_json)
    sys.exit(code)


@contextmanager
def shown(app: App) -> Iterator[None]:
    """Runs of which people are told, and which the page shows afterwards."""
    with published(app), watched(app):
        yield


def _approve(app: App, plan: str, who: str) -> str:
    """Keep the approval; says whose it is.

    Raises:
        syncd.errors.UsageError: There is no such plan.
        syncd.errors.PlanRefused: It cannot be approved, or not any more.
    """
    found = app.ledger.plan(plan)
    if found is None:
        raise UsageError(f"there is no plan {plan}: `syncd status` names those that are held")
    if not found.held:
        raise PlanRefused(f"plan {plan} holds nothing back; there is nothing to approve")
    if app.ledger.plan_state(found.id) == "superseded":
        raise PlanRefused(
            f"plan {plan} was drawn before a rebuild, which made it void; `syncd plan "
            f"{found.sync}` shows what would be removed now"
        )
    given, now = app.ledger.approval(found.id), app.clock.now()
    if given is not None and given.expires_at <= now:
        raise PlanRefused(
            f"plan {plan} was approved by {given.actor} and carried out, or the approval ran "
            f"out; `syncd plan {found.sync}` shows what would be removed now"
        )
    parts = app.parts(found.sync)
    if now - found.created_at > APPROVED_FOR:
        raise PlanRefused(
            f"plan {plan} is older than {APPROVED_FOR.total_seconds() / 3600:.0f} h: "
            f"`syncd plan {found.sync}` shows what would be removed now"
        )
    event = parts.event(
        "removals_approved",
        f"{who} let the held removals of plan {plan} go: "
        f"{found.counts.leaving.members + found.counts.withdrawn.members:,} members.",
        actor=who,
        plan=plan,
        counts={"leaving": found.counts.leaving.members},
    )
    app.ledger.approve(found.id, who, event=event, expires_at=now + APPROVED_FOR)
    return found.sync


def status(config: Path | None, *, as_json: bool) -> None:
    """Print every sync's state, and audiences that no sync fills any more."""
    with open_app(config) as app:
        rows = [_status(app, name) for name in app.settings.syncs]
        every = app.ledger.audiences()
        adopted = [one for one in every if one.adopted and one.state == "active"]
        orphans = orphaned(app)
        told = [retire.orphaned(app, orphan) for orphan in orphans]
        erasures = app.ledger.erasures.open()
        now = app.clock.now()
        tardy = late(app.ledger, now=now, settle=app.settle)
        first = holder(app.directory)
    if as_json:
        found = {"holder": first, "syncs": rows, "orphans": orphans, "adopted": adopted}
        print_json({**found, "erasures": len(erasures), "late erasures": tardy})
        return
    columns = (
        *("sync", "audience", "members", "counted", "match rate", "refused"),
        *("state", "last run", "due", "under way", "needs"),
    )
    table(columns, [[row[name] for name in columns] for row in rows])
    _say_who_runs(app, first)
    _say_of_sizes(app, rows)
    for row in rows:
        if row["mode"] == "remove":
            say(f"takes out: sync {row['sync']}: its members are those taken out of the audience")
    for row in rows:
        if row["throttled until"]:
            until = f"{row['throttled until']:%Y-%m-%d %H:%M} UTC"
            say(f"throttled: sync {row['sync']} waits until {until} ({row['throttled by']})")
        if row["warning"]:
            say(f"warning: sync {row['sync']}, {row['warned at']:%Y-%m-%d}: {row['warning']}")
    _say_of_credentials(app)
    for line in told:
        say(line)
    if erasures:
        say(f"erasures that are not complete: {len(erasures)}; `syncd erase --status` lists them")
    erase.say_late(tardy, now)
    for audience in adopted:
        say(
            f"may hold others: audience {audience.name} ({audience.platform} {audience.id}) was "
            "taken over or rebuilt; whoever is in it and syncd does not know stays in it until "
            "it is replaced as a whole"
        )


def _say_who_runs(app: App, first: Holder | None) -> None:
    if first is None:
        if any(one.schedule != Manual() for one in app.settings.syncs.values()):
            say("no daemon runs: `syncd run` begins what is due")
        return
    what = "the daemon" if first.name == "daemon" else f"syncd {first.name}"
    last = f", its last run {first.run}" if first.run else ""
    say(f"{what} runs: process {first.process}{last}")


def _say_of_credentials(app: App) -> None:
    """A line for each account whose credential ends soon, or has."""
    now = app.clock.now()
    for account in sorted({sync.account for sync in app.settings.syncs.values()}):
        of = next(name for name, sync in app.settings.syncs.items() if sync.account == account)
        kept = app.ledger.accounts.credential(*app.account_of(of))
        if kept is not None and kept.ends_at is not None and expiry.is_near(kept.ends_at, now):
            said = expiry.sentence(kept.ends_at, now)
            say(f"credential of account {account}: {said}; renew it before that")


def _say_of_sizes(app: App, rows: list[dict[str, object]]) -> None:
    """What to look at on a platform, and how far its sizes can be trusted."""
    told = [(str(row["sync"]), row["size"]) for row in rows]
    known = [(sync, size) for sync, size in told if isinstance(size, Measured)]
    for sync, size in known:
        if size.warning:
            say(f"look at: sync {sync}: {size.warning} ({size.status})")
    stated = [sync for sync, size in known if size.least is not None]
    for line in counting.caveats(app.account_of(sync)[0] for sync in stated):
        say(f"counted by {line}")
    rated = [sync for sync, size in known if size.matched is not None]
    for line in counting.caveats((app.account_of(sync)[0] for sync in rated), of_rates=True):
        say(f"matched by {line}")
    # Whoever sees no number must not take the audience for empty.
    for sync, size in known:
        if size.least is None and not size.warning:
            for line in counting.caveats([app.account_of(sync)[0]]):
                say(f"no size is stated: sync {sync}: {line}")


def _status(app: App, name: str) -> dict[str, object]:
    known = app.ledger.audience_of(name)
    runs = app.ledger.runs(name, limit=20)
    # A plan that was only shown is no run to a reader of this table.
    last = next((each for each in runs if each.state is not RunState.PLANNED), None)
    at = (known.platform, known.account, known.id) if known else None
    generation = app.ledger.generation(*at) if at else None
    throttle = app.ledger.accounts.throttled(*app.account_of(name))
    warned = app.ledger.accounts.warned(*app.account_of(name))
    credential = app.ledger.accounts.credential(*app.account_of(name))
    size = next(iter(app.ledger.measured.of(*at)), None) if at else None
    due = app.ledger.due.every().get(name)
    return {
        "sync": name,
        "mode": app.settings.syncs[name].mode,
        "audience": known.name if known else app.settings.syncs[name].audience.name,
        "id": known.id if known else None,
        "members": generation.sizes.members if generation else 0,
        "counted": counting.counted(size),
        "match rate": counting.rate(size),
        "size": size,
        "refused": generation.sizes.refused if generation else 0,
        "identifiers": dict(generation.sizes.identifiers) if generation else {},
        "state": last.state.value if last else "never run",
        "last run": last.started_at if last else None,
        "run": last.id if last else None,
        "due": due.at if due else None,
        "under way": len(app.ledger.under_way(*at)) if at else 0,
        "unknown": len(app.ledger.unfinished(*at)) if at else 0,
        "throttled until": throttle.until if throttle else None,
        "throttled by": throttle.code if throttle else None,
        "warning": warned.text if warned else None,
        "warned at": warned.at if warned else None,
        "credential ends": credential.ends_at if credential else None,
        "needs": needed(app.ledger, name),
    }


def run_here(app: App, names: list[str], wish: Wish, *, as_json: bool) -> int:
    """Run syncs in this process, which has the lock; the gravest exit code."""
    # Ahead of everything else, and also where no sync of this command goes.
    for error in erasure.carry_on(app.desk(), actor=wish.actor):
        complain(f"syncd: an erasure waits: {error}")

    def one(name: str) -> Result | datetime:
        with progress(name) as bars, app.shared.turn(name):
            return take(app, name, wish, progress=bars)

    # What carries out a plan that was shown reads nothing.
    with app.shared.expected({} if wish.plan else app.asked(names)):
        return run_each(names, one, app.settings, as_json=as_json)


def run_each(
    names: list[str],
    run: Callable[[str], Result | datetime],
    settings: Settings,
    *,
    as_json: bool,
) -> int:
    """Run syncs one after the other and print how each ended; the gravest exit code."""
    results: list[Result] = []

    def one(name: str) -> int:
        result = run(name)
        if isinstance(result, datetime):
            if not as_json:
                _tell_rest(name, result)
            return 0
        results.append(result)
        if not as_json:
            # A daemon may know a sync that this file does not name any more.
            known = settings.syncs.get(name)
            show_result(result, known.segment if known else name)
        return result.exit_code

    code = each(names, one)
    if as_json:
        print_json(results)
    return code


def _tell_rest(name: str, until: datetime) -> None:
    say(
        f"{name}: left alone until {until:%Y-%m-%d %H:%M} UTC, by its min_interval; "
        f"`syncd sync {name}` runs it now"
    )


def each(names: list[str], one: Callable[[str], int]) -> int:
    """Do it for each sync, one's failure not touching the next; the gravest exit code."""
    codes = {0}
    for name in names:
        try:
            codes.add(one(name))
        except SyncdError as error:
            complain(f"syncd: {name}: {error}")
            codes.add(error.exit_code)
    return next(code for code in _GRAVEST if code in codes)


def _show_plan(drawn: Plan, *, kept: bool) -> None:
    say(f"{drawn.sync}: {sentence(drawn)}")
    small = too_small(platforms()[drawn.platform], drawn.counts.wanted)
    if small and not drawn.takes_out:
        say(f"  look at: {small}")
    if drawn.held and kept:
        whole = "take all of them out" if drawn.takes_out else "let all of it go"
        say(f"  {whole}: syncd approve {drawn.id}")
        say(f"  only what is not held: syncd sync {drawn.sync} --plan {drawn.id}")
    elif kept:
        say(f"  plan {drawn.id}; carry it out: syncd sync {drawn.sync} --plan {drawn.id}")
    else:
        made = "found" if drawn.takes_out else "found or made"
        say(f"  its audience is {made} by the first run: syncd sync {drawn.sync}")


def show_result(result: Result, segment: str) -> None:
    """Print how a run ended."""
    pushed, counts = result.pushed, result.plan.counts
    went = (
        f"removed {pushed[Phase.REMOVE]:,}, added {pushed[Phase.ADD]:,}, sent again "
        f"{pushed[Phase.AGAIN]:,}"
    )
    if result.plan.takes_out:
        went = f"taken out {pushed[Phase.REMOVE]:,}"
    say(
        f"{result.plan.sync}: {result.run.state.value}; {went}, unchanged "
        f"{counts.unchanged:,}, refused {result.refused:,} (run {result.run.id})"
    )
    if result.too_many_unusable:
        say(f"  {result.unusable:,} rows of the segment have no usable identifier: too many")
        say(f"  what is refused and why: syncd identity sample {segment}")
    if result.plan.held:
        say(f"  held: {'; '.join(result.plan.held)}")
        say(f"  look at it, then: syncd approve {result.plan.id}")
