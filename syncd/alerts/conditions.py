"""What somebody should know of, told from what the ledger holds at one moment.

Each condition is found to be so, or not so, or is not found at all: then what was told
before stands. None is kept beside the ledger's facts, so nothing that happened while
nobody looked is lost: whoever looks next finds it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from syncd.ledger.figures import SUCCESSES, Moment
from syncd.model import Run, RunState
from syncd.runs.sums import outcome, pushed_rows, refused_rows
from syncd.settings import Settings, SyncSettings
from syncd.staleness import failed, stale_at

# Constant names, and what each is to a reader.
CONDITIONS: Mapping[str, str] = MappingProxyType(
    {
        "stale": "no run of a sync has succeeded for two of its turns",
        "failed": "the last run of a sync failed",
        "held": "the last run of a sync holds removals, or stopped, until somebody looks",
        "denied": "a platform denied an account",
        "refused": "a platform refused too many rows of a run",
        "unusable": "too many rows of a segment have no usable identifier",
        "size_jump": "a segment's size changed much from one run to the next",
        "match_drop": "a platform matches clearly fewer members than before",
        "expiring": "members of an audience are about to expire there",
        "flagged": "a platform says that somebody should look at an audience",
        "warned": "a platform's answers warn of something about an account",
        "credential_ending": "the credential of an account is about to end",
        "erasure_late": "an erasure takes too long",
    }
)

LEAST_ROWS = 10  # refused, before a share of them says anything
LEAST_MEMBERS = 100  # in the larger of two segments, likewise
MATCHES = timedelta(days=30)  # in which the best match rate is looked for
_LINE = 400  # characters of a run's own words


@dataclass(frozen=True, slots=True)
class Finding:
    """That a condition holds of a subject, or does not.

    Attributes:
        said: What there is and what to do, in sentences; or why it is over.
    """

    subject: str
    condition: str
    holds: bool
    said: str


@dataclass(frozen=True, slots=True)
class View:
    """One sync and the ledger at one moment.

    Attributes:
        lifespan: For how long its platform keeps members, where an audience does not say so.
    """

    seen: Moment
    settings: Settings
    now: datetime
    name: str
    lifespan: timedelta | None

    @property
    def sync(self) -> SyncSettings:
        """Its settings."""
        return self.settings.syncs[self.name]

    def found(self, condition: str, holds: bool, said: str) -> Finding:  # noqa: FBT001 - the finding itself
        """A finding about this sync."""
        return Finding(f"sync {self.name}", condition, holds, said)


def of_sync(view: View) -> Iterator[Finding]:
    """All that can be said of one sync."""
    for one in (_stale, _ended, _refused, _unusable, _jumped, _audience):
        yield from one(view)


def of_accounts(seen: Moment, settings: Settings) -> Iterator[Finding]:
    """Which accounts their platforms deny, by the last run of each of their syncs."""
    for account in sorted({sync.account for sync in settings.syncs.values()}):
        names = [name for name, sync in settings.syncs.items() if sync.account == account]
        last = [run for name in names if (run := seen.last_run(name)) is not None]
        denied = [run for run in last if run.error == "Denied"]
        if denied:
            said = (
                f"The platform denies account {account}, so nothing of it is sent: "
                f"{_words(denied[0])} Once that is mended: `syncd sync {denied[0].sync}`."
            )
            yield Finding(f"account {account}", "denied", True, said)
        elif last:
            said = f"The platform takes requests of account {account} again."
            yield Finding(f"account {account}", "denied", False, said)


def _stale(view: View) -> Iterator[Finding]:
    at = stale_at(view.seen, view.settings, view.name)
    if at is None:
        yield view.found("stale", False, f"Sync {view.name} has no turns of its own now.")
        return
    last = view.seen.last_run(view.name, SUCCESSES)
    when = f"since {_time(last.ended_at)}" if last and last.ended_at else "so far"
    if at < view.now:
        said = (
            f"No run of sync {view.name} has succeeded {when}, and two turns of its schedule have "
            f"passed: its audience is not what its segment says. Look at `syncd status` and "
            f"`syncd runs --sync {view.name}`, and whether the service or its timer runs."
        )
        yield view.found("stale", True, said)
    else:
        yield view.found("stale", False, f"Sync {view.name} has succeeded again.")


def _ended(view: View) -> Iterator[Finding]:
    """Failed and held, by how the last run ended."""
    last = view.seen.last_run(view.name)
    if last is None:
        return
    over = f"Run {last.id} of sync {view.name} ended {last.state.value} at {_time(last.ended_at)}."
    if last.state is RunState.FAILED:
        if failed(last) and last.error != "Denied":
            said = (
                f"Run {last.id} of sync {view.name} failed at {_time(last.ended_at)}: "
                f"{_words(last)} `syncd runs show {last.id}` shows what went out; "
                f"`syncd sync {view.name}` tries again now."
            )
            yield view.found("failed", True, said)
        return  # what is held stays so
    yield view.found("failed", False, over)
    if last.state is RunState.HELD:
        yield view.found("held", True, _held(view, last))
    else:
        yield view.found("held", False, over)


def _held(view: View, run: Run) -> str:
    plan = view.seen.plan(run.plan) if run.plan else None
    if plan is None or not plan.held:
        return (
            f"Run {run.id} of sync {view.name} stopped at {_time(run.ended_at)} and removed "
            f"nobody: {_words(run)} Look at it: `syncd runs show {run.id}`."
        )
    return (
        f"Sync {view.name} holds removals back, {plan.counts.leaving.members:,} members: "
        f"{'; '.join(plan.held)}. Additions went out. Look at `syncd runs show {run.id}`; "
        f"`syncd approve {plan.id}` lets them go, for 72 h, and after that `syncd status` names "
        "the plan to approve."
    )


def _refused(view: View) -> Iterator[Finding]:
    run = view.seen.last_run(view.name, (RunState.DONE, RunState.PARTIAL))
    plan = view.seen.plan(run.plan) if run and run.plan else None
    if run is None or plan is None:
        return
    batches = view.seen.batches(plan.id)
    refused = refused_rows(batches)
    sent = refused + sum(pushed_rows(plan, batches).values())
    if not sent:
        return
    limit = view.settings.alerts.max_refused
    share = f"{refused:,} of {sent:,} rows of run {run.id} of sync {view.name} were refused"
    if refused >= LEAST_ROWS and refused > limit * sent:
        said = (
            f"{share}, {_percent(refused / sent)}; the limit is {_percent(limit)}. "
            f"{outcome(plan, batches)} `syncd runs show {run.id}` lists the reasons, "
            f"`syncd identity sample {view.sync.segment}` looks at the values."
        )
        yield view.found("refused", True, said)
    else:
        yield view.found("refused", False, f"{share}; the limit is {_percent(limit)}.")


def _unusable(view: View) -> Iterator[Finding]:
    run = view.seen.last_run(view.name, (*SUCCESSES, RunState.HELD))
    plan = view.seen.plan(run.plan) if run and run.plan else None
    read = view.seen.snapshot(plan.snapshot) if plan else None
    if read is None or not read.rows:
        return
    bare, limit, of = read.rows - read.usable, view.sync.max_unusable, view.sync.segment
    share = f"{bare:,} of {read.rows:,} rows of segment {of} have no usable identifier"
    if bare > limit * read.rows:
        said = (
            f"{share}; the limit is {_percent(limit)}. Which and why: `syncd identity sample {of}`."
        )
        yield view.found("unusable", True, said)
    else:
        yield view.found("unusable", False, f"{share}; the limit is {_percent(limit)}.")


def _jumped(view: View) -> Iterator[Finding]:
    read = view.seen.members_read(view.name)
    if len(read) < 2:  # noqa: PLR2004 - a pair
        return
    (run, now), (_, before) = read
    limit = view.settings.alerts.max_size_change
    sizes = f"Segment {view.sync.segment} had {before:,} usable rows in one run of sync {view.name}"
    if max(now, before) >= LEAST_MEMBERS and abs(now - before) > limit * before:
        said = (
            f"{sizes} and {now:,} in the next, {run.id}; told from {_percent(limit)} on. "
            f"If nobody expected that, look at `syncd segments preview {view.sync.segment}`."
        )
        yield view.found("size_jump", True, said)
    else:
        yield view.found("size_jump", False, f"{sizes} and {now:,} in the next, {run.id}.")


def _audience(view: View) -> Iterator[Finding]:
    """What a platform says of the audience, and when members of it expire."""
    audience = view.seen.audience_of(view.name)
    if audience is None:
        return
    stated = view.seen.stated(audience.pk)
    if stated is not None:
        named = f"audience {audience.name} ({audience.platform} {audience.id})"
        if stated.warning:
            said = f"The platform says of {named}: {stated.warning} ({stated.status})."
            yield view.found("flagged", True, f"{said} `syncd reconcile {view.name}` asks again.")
        else:
            said = f"The platform has nothing to say of {named} any more."
            yield view.found("flagged", False, said)
    yield from _matched(view, audience.pk)
    lifespan = audience.lifespan or view.lifespan
    if lifespan is None or audience.takes_out:
        return
    # Every member is renewed in time as long as runs stand still for less than a third of
    # the lifespan, see `syncd.runs.refresh`; half of that is left when it is told.
    last = audience.refreshed_at or audience.claimed_at
    until = last + lifespan / 3
    if view.now - last > lifespan / 6:
        said = (
            f"The platform keeps members of audience {audience.name} for "
            f"{lifespan.days:,} days, and nobody was renewed since {_time(last)}: the "
            f"first may leave it at {_time(until)}. `syncd sync {view.name}` renews who is due."
        )
        yield view.found("expiring", True, said)
    else:
        said = f"Members of audience {audience.name} were renewed at {_time(last)}."
        yield view.found("expiring", False, said)


def _matched(view: View, audience_pk: int) -> Iterator[Finding]:
    stated = view.seen.stated(audience_pk)
    rate = stated.match_rate if stated else None
    if stated is None or rate is None:
        return
    best = view.seen.best_match(stated, audience_pk, view.now - MATCHES)
    if best is None:
        return
    limit, now = view.settings.alerts.max_match_drop, rate[1]
    rates = (
        f"The platform matches about {_percent(now)} of {stated.members:,} members of sync "
        f"{view.name}; the best of the last {MATCHES.days} days was {_percent(best)}"
    )
    if now < (1 - limit) * best:
        said = (
            f"{rates}. Told from a loss of {_percent(limit)} on. Compare what is sent with what "
            f"was: `syncd identity sample {view.sync.segment}`, `syncd reconcile {view.name}`."
        )
        yield view.found("match_drop", True, said)
    else:
        yield view.found("match_drop", False, f"{rates}.")


def _words(run: Run) -> str:
    """What ended a run, in one line that ends as a sentence."""
    said = " ".join(run.detail.split())
    said = said if len(said) <= _LINE else f"{said[:_LINE].rstrip()} ..."
    return said if said.endswith(".") else f"{said}."


def _time(at: datetime | None) -> str:
    return "an unknown time" if at is None else f"{at:%Y-%m-%d %H:%M} UTC"


def _percent(share: float) -> str:
    return f"{share * 100:.3g} %"
