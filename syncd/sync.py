"""One sync, as a straight line from segment to receipt.

Two phases: read to a sealed plan; plan to platform. Nothing is asked of a platform
between them but which audience it is, and nothing at all is changed there before.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

import structlog

from syncd import settle
from syncd.errors import AudienceClosed, Held, PlanRefused, RemovalsHeld, Stopped, SyncdError
from syncd.leaving import erasing, replacing, withdrawing
from syncd.ledger.audiences import KnownAudience
from syncd.model import AuditEvent, BatchState, Phase, Plan, PlanId, Run, RunState
from syncd.ports import Connector
from syncd.runs import audiences, expiry, fitness, sizes
from syncd.runs.outbox import send
from syncd.runs.parts import Parts
from syncd.runs.planning import draw, latest, needed, shown
from syncd.runs.reading import read
from syncd.runs.sums import outcome, pushed_rows, refused_rows

LONGEST_WAIT = timedelta(hours=26)  # Google says up to 24 h; facts/google.md 3.2 and 4.6
# Between two looks; Google asks for exponential backoff, "Diagnostics", facts/google.md 4.6.
LONGEST_PAUSE = timedelta(hours=4)
# Of the unchanged members: fewer of them cost less to digest in each run than to write down.
RESPELLED = 0.1
ROUNDS = 3  # plans that a waiting run may draw until no removal waits for an addition

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Wish:
    """What a run is asked to do beyond its sync.

    Attributes:
        actor: `schedule`, `api` or a login.
        plan: Carry out exactly this plan, or refuse.
        adopt: Take over an audience that holds others.
        wait: Stay until the platform has processed everything.
        full: Send everyone, whatever is known of them; see `model.Comparison`.
        replace: Let nobody else stay in the audience, where the platform can; with `full`
            and `wait`.
    """

    actor: str
    plan: str | None = None
    adopt: bool = False
    wait: bool = False
    full: bool = False
    replace: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended.

    Attributes:
        plan: What it was about.
        pushed: Rows accepted, by phase.
        refused: Rows that the platform refused.
        unusable: Rows of the snapshot without an identifier.
    """

    run: Run
    plan: Plan
    pushed: dict[Phase, int]
    refused: int
    unusable: int
    too_many_unusable: bool

    @property
    def exit_code(self) -> int:
        """0 done, 3 with refused or too many unusable rows, 4 held."""
        if self.plan.held:
            return RemovalsHeld.exit_code
        return 3 if self.refused or self.too_many_unusable else 0


def run(parts: Parts, wish: Wish) -> Result:
    """Make one audience equal to its segment.

    A run that waits draws a further plan if removals had to wait for additions that
    were under way.

    Raises:
        syncd.errors.SyncdError: The run failed or is held; the ledger says so too, and
            the next run carries on from there.
    """
    result = _run(parts, wish)
    for _ in range(ROUNDS - 1):
        if not (wish.wait and result.plan.counts.waiting_removals):
            break
        result = _joined(result, _run(parts, replace(wish, plan=None, full=False, replace=False)))
    return result


def _joined(first: Result, then: Result) -> Result:
    """Two rounds as one to whoever asked: the last plan, and all that was pushed."""
    pushed = {phase: first.pushed[phase] + then.pushed[phase] for phase in Phase}
    return replace(then, pushed=pushed, refused=first.refused + then.refused)


def _run(parts: Parts, wish: Wish) -> Result:
    sync = parts.sync
    parts.patience.check()  # before there is a run: that it cannot go on was said already
    said = f"Started by {wish.actor}{': a full resync' if wish.full else ''}."
    started = parts.event("run_started", said, actor=wish.actor)
    opened = parts.ledger.open_run(sync.name, wish.actor, event=started)
    parts.lock.tell(opened.id)
    with structlog.contextvars.bound_contextvars(sync=sync.name, run=opened.id):
        log.info("run_started", actor=wish.actor)
        with _ended(parts, opened, wish):
            connector = parts.connect()
            fitness.check(parts, connector)
            expiry.note(parts, connector)
            unfinished = _recover(parts, connector, opened, wish)
            closed = audiences.fillable(parts, connector)
            if wish.plan and unfinished:
                raise PlanRefused(
                    f"plan {wish.plan} is not carried out: everyone must be sent after a "
                    f"replacement that did not end; `syncd sync {sync.name}` does it"
                )
            if wish.plan:
                plan = shown(parts, wish.plan)
                audience = _audience(parts, connector, opened, wish)
            else:
                snapshot = read(parts, opened, latest(parts, audiences.known(parts)))
                audience = _audience(parts, connector, opened, wish)
                who = wish.actor
                full = wish.full or audience.replace_begun_at is not None
                stated = audiences.stated(parts, lambda: connector, audience)
                plan = draw(parts, opened, snapshot, audience, actor=who, full=full, stated=stated)
                withdrawing.reach(parts, connector, snapshot, opened)
            result = _carry_out(
                parts, connector, opened, plan, audience=audience, wish=wish, closed=closed
            )
        sizes.note(parts, connector, audience, run=opened.id)
        return result


def show(parts: Parts, *, actor: str) -> tuple[Plan, bool]:
    """Draw a plan and send nothing.

    Returns:
        The plan, and whether it was kept for `sync --plan`: only once its audience exists.
    """
    opened = parts.ledger.open_run(parts.sync.name, actor, event=None)
    parts.lock.tell(opened.id)
    audience = audiences.known(parts)
    with _ended(parts, opened, Wish(actor)):
        if audience is not None:
            settle.fold(parts, audience, actor=actor)
        snapshot = read(parts, opened, latest(parts, audience))
        full = audience is not None and audience.replace_begun_at is not None
        stated = audiences.stated(parts, parts.connect, audience)
        plan = draw(parts, opened, snapshot, audience, actor=actor, full=full, stated=stated)
        parts.ledger.set_run(opened.id, RunState.PLANNED, plan=_kept(plan), ended=True)
    return plan, audience is not None


def _kept(plan: Plan) -> PlanId | None:
    return plan.id if plan.audience else None


def _recover(parts: Parts, connector: Connector, opened: Run, wish: Wish) -> bool:
    """Bring to an end what earlier runs left, before anything new is planned.

    Returns:
        Whether everyone must be sent after a replacement that did not come to its end.
    """
    audience, unfinished = audiences.known(parts), False
    if audience is not None:
        unfinished = replacing.recover(parts, connector, audience, actor=opened.actor)
        if unfinished:
            replacing.tell_unfinished(parts, audience, actor=opened.actor)
        audience = audiences.known(parts) or audience
        erasing.carry_out(parts, connector, audience, actor=opened.actor)
        resent = settle.resolve(parts, connector, audience)
        settle.poll(parts, connector, audience, actor=opened.actor)
        if resent:
            requests = "request" if resent == 1 else "requests"
            said = f"Sent {resent:,} {requests} again whose outcome an earlier run never learned."
            event = _about(parts, "batches_resolved", said, audience, opened, batches=resent)
            parts.ledger.audit(event)
        if not wish.plan:
            said = "Cancelled what an earlier run planned and never sent; it is planned anew."
            event = _about(parts, "batches_cancelled", said, audience, opened)
            parts.ledger.cancel_planned(
                audience.platform, audience.account, audience.id, event=event
            )
        settle.fold(parts, audience, actor=opened.actor)
    for earlier in parts.ledger.runs(parts.sync.name):
        if earlier.id != opened.id:
            _end_earlier(parts, earlier)
    return unfinished


def _end_earlier(parts: Parts, earlier: Run) -> None:
    """Say how a run ended that could not say so itself."""
    if earlier.state is RunState.PROCESSING and earlier.plan:
        plan, batches = parts.ledger.plan(earlier.plan), parts.ledger.batches(earlier.plan)
        if any(b.state in {BatchState.PLANNED, BatchState.ACCEPTED} for b in batches):
            return
        refused = refused_rows(batches)
        event = parts.event(
            "run_processed",
            outcome(needed(plan), batches),
            actor=earlier.actor,
            run=earlier.id,
            counts={"refused": refused},
        )
        state = RunState.PARTIAL if refused else RunState.DONE
        parts.ledger.set_plan_state(earlier.plan, "done")
        parts.ledger.set_run(earlier.id, state, event=event, ended=True)
    elif earlier.ended_at is None:
        said = "The process ended in the middle of the run; the next run carried on from there."
        event = parts.event("run_failed", said, actor=earlier.actor, run=earlier.id)
        parts.ledger.set_run(earlier.id, RunState.FAILED, detail=said, event=event, ended=True)


def _about(
    parts: Parts, kind: str, said: str, audience: KnownAudience, opened: Run, **counts: int
) -> AuditEvent:
    return parts.event(
        kind, said, actor=opened.actor, audience=audience.name, run=opened.id, counts=counts
    )


def _audience(parts: Parts, connector: Connector, opened: Run, wish: Wish) -> KnownAudience:
    return audiences.resolve(parts, connector, actor=wish.actor, run=opened.id, adopt=wish.adopt)


def _carry_out(
    parts: Parts,
    connector: Connector,
    opened: Run,
    plan: Plan,
    *,
    audience: KnownAudience,
    wish: Wish,
    closed: AudienceClosed | None,
) -> Result:
    """Removals, then additions, then whoever must follow a removal."""
    push = partial(_push, parts, connector, plan, audience, actor=wish.actor, closed=closed)
    how = parts.platform.capabilities.replace if wish.replace else ""
    parts.ledger.set_run(opened.id, RunState.PUSHING, plan=plan.id)
    if how:
        replacing.refuse_held(plan)
    if not plan.held:  # a held plan stays held: its file is what an approval reads
        parts.ledger.set_plan_state(plan.id, "running")
    if how == "session":
        replacing.by_session(parts, connector, plan, audience, actor=wish.actor)
    elif how == "cutoff":
        before = replacing.begin_cut(parts, plan, audience, actor=wish.actor)
        push(wait=True)
        replacing.cut(parts, connector, plan, audience, before=before, actor=wish.actor)
    else:
        push(wait=wish.wait)
        if not wish.plan:  # which is none of everyone
            replacing.made_good(parts, audience, plan, actor=wish.actor)
    counts = plan.counts
    tells = counts.forgotten > 0 or counts.respelled > counts.unchanged * RESPELLED
    settle.fold(parts, audience, actor=wish.actor, carried_out=plan, tells=tells)
    return _close(parts, opened, plan, audience, wish)


def _push(
    parts: Parts,
    connector: Connector,
    plan: Plan,
    audience: KnownAudience,
    *,
    wait: bool,
    actor: str,
    closed: AudienceClosed | None,
) -> None:
    batches = parts.ledger.batches(plan.id)
    removals = [batch for batch in batches if batch.phase is Phase.REMOVE]
    send(parts, connector, plan, removals, audience.id)
    if closed is not None and len(removals) < len(batches):
        raise closed
    # One upload an operation: to a platform each is an edit of its own.
    now = {Phase.ADD} if settle.gated(parts, audience) else {Phase.ADD, Phase.AGAIN}
    additions = [batch for batch in batches if batch.phase in now]
    send(parts, connector, plan, additions, audience.id)
    _note_refreshed(parts, audience, plan)
    if _all_taken_out(parts, plan):
        parts.ledger.spend_approvals(audience.platform, audience.account, audience.id)
    if wait:
        _follow(parts, connector, plan, audience, actor=actor)


def _note_refreshed(parts: Parts, audience: KnownAudience, plan: Plan) -> None:
    """Once a day: all were sent whose turn it was; what fails later is sent again anyway."""
    last = audience.refreshed_at
    expires = audience.lifespan or parts.platform.capabilities.lifespan
    if expires and (last is None or last.date() != plan.created_at.date()):
        at = (audience.platform, audience.account, audience.id)
        parts.ledger.refreshed(*at, plan.created_at)


def _all_taken_out(parts: Parts, plan: Plan) -> bool:
    """Whether no approved removal still waits for an addition, or was refused."""
    sent = [b for b in parts.ledger.batches(plan.id) if b.phase is Phase.REMOVE]
    return not plan.counts.waiting_removals and not refused_rows(sent)


def _follow(
    parts: Parts, connector: Connector, plan: Plan, audience: KnownAudience, *, actor: str
) -> None:
    """Stay until the platform has processed everything, and send what waited for that."""
    until, poll = parts.clock.now() + LONGEST_WAIT, parts.sync.timing.poll
    pause = min(parts.platform.capabilities.first_look, poll)
    before = len(parts.ledger.under_way(audience.platform, audience.account, audience.id))
    while parts.clock.now() < until:
        if early := settle.until_first_look(parts, audience):
            parts.clock.sleep(early.total_seconds())
        under_way = settle.poll(parts, connector, audience, actor=actor)
        left = settle.waiting(parts.ledger.batches(plan.id))
        if left and not settle.gated(parts, audience):
            send(parts, connector, plan, left, audience.id)
        elif not under_way:
            return
        else:
            # Ever longer while nothing comes of it: each look is a request or more.
            longer = min(pause * 2, LONGEST_PAUSE) if under_way == before else poll
            pause = max(longer, poll)
            before = under_way
            parts.clock.sleep(pause.total_seconds())


def _close(parts: Parts, opened: Run, plan: Plan, audience: KnownAudience, wish: Wish) -> Result:
    batches = parts.ledger.batches(plan.id)
    snapshot = parts.ledger.snapshot(plan.snapshot)
    rows, usable = (snapshot.rows, snapshot.usable) if snapshot else (0, 0)
    limit = parts.sync.max_unusable
    refused = refused_rows(batches)
    too_many = rows - usable > limit * rows
    left = [b for b in batches if b.state in {BatchState.PLANNED, BatchState.ACCEPTED}]
    waits = plan.counts.waiting_removals
    state = _state(plan, left=bool(left or waits), short=bool(refused) or too_many)
    if not left and not plan.held:
        parts.ledger.set_plan_state(plan.id, "done")
    pushed = pushed_rows(plan, batches)
    said = outcome(plan, batches, left=len(left), unusable=rows - usable if too_many else 0)
    if waits:
        said += f" {waits:,} identifiers leave once additions under way are processed."
    event = parts.event(
        "run_finished",
        said,
        actor=wish.actor,
        audience=audience.name,
        counts={"refused": refused, "unusable": rows - usable}
        | {phase.value: count for phase, count in pushed.items()},
    )
    final = parts.ledger.set_run(opened.id, state, plan=plan.id, event=event, ended=True)
    log.info("run_finished", state=state.value, refused=refused)
    return Result(final, plan, pushed, refused, rows - usable, too_many)


def _state(plan: Plan, *, left: bool, short: bool) -> RunState:
    if plan.held:
        return RunState.HELD
    if left:
        return RunState.PROCESSING
    return RunState.PARTIAL if short else RunState.DONE


@contextmanager
def _ended(parts: Parts, opened: Run, wish: Wish) -> Iterator[None]:
    """Whatever ends a run early is in the ledger before anyone hears of it."""
    try:
        yield
    except SyncdError as error:
        held, stopped = isinstance(error, Held), isinstance(error, Stopped)
        kind = "run_held" if held else "run_stopped" if stopped else "run_failed"
        event = parts.event(kind, str(error), actor=wish.actor)
        state, name = RunState.HELD if held else RunState.FAILED, type(error).__name__
        said = str(error)
        parts.ledger.set_run(opened.id, state, detail=said, error=name, event=event, ended=True)
        (log.info if stopped else log.error)(kind, error=name)
        raise
