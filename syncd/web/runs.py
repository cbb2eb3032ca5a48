"""A run as the page tells it, from what the ledger has of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from syncd.identity.advice import way_on
from syncd.ledger.history import RunStory
from syncd.logs import scrubbed
from syncd.model import BatchRecord, BatchState, Phase, Plan, Snapshot
from syncd.runs.sentences import sentence
from syncd.runs.sums import pushed_rows, refused_rows
from syncd.web.shapes import BatchTold, Refused, RunTold, Step, Unusable

HELD = "held until their values change; look at them: `syncd identity sample {segment}`"
AGAIN = "the next run tries them again"
REMOVAL = "they stay known, and the next run tries to remove them again"


def run_told(story: RunStory, title: str, audience: str) -> RunTold:
    """One run.

    Args:
        story: What the ledger has of it.
        title: Its platform's, as people read it.
        audience: Its audience's name.
    """
    run, plan, read = story.run, story.plan, story.snapshot
    pushed = pushed_rows(plan, story.batches) if plan else dict.fromkeys(Phase, 0)
    return RunTold(
        number=story.number,
        id=run.id,
        sync=run.sync,
        audience=audience,
        title=title,
        state=run.state.value,
        actor=run.actor,
        started_at=run.started_at,
        ended_at=run.ended_at,
        detail=scrubbed(run.detail),
        plan=plan.id if plan else "",
        plan_state=story.plan_state or "",
        # The net takes 64 digits for somebody's digest; it is a file's, and half of it names it.
        checksum=plan.checksum[:16] if plan else "",
        held=plan.held if plan else (),
        said=sentence(plan) if plan else "",
        read=read.rows if read else 0,
        usable=read.usable if read else 0,
        wanted=plan.counts.wanted if plan else 0,
        unchanged=plan.counts.unchanged if plan else 0,
        lost=dict(plan.counts.lost) if plan else {},
        removed=pushed[Phase.REMOVE],
        added=pushed[Phase.ADD],
        again=pushed[Phase.AGAIN],
        unusable=tuple(_unusable(read)) if read else (),
        refused=tuple(_refused(story.batches, read.segment if read else "")),
        steps=tuple(_steps(story)),
        batches=tuple(_batch(story, each) for each in story.batches),
    )


def _unusable(read: Snapshot) -> Iterator[Unusable]:
    for one in read.refused:
        advice = way_on(one.field, one.reason) or "mend the values in the shop"
        yield Unusable(one.field, one.reason, one.count, advice)


def _refused(batches: tuple[BatchRecord, ...], segment: str) -> Iterator[Refused]:
    """Refused rows by the platform's code, the most first; adds up to `sums.refused_rows`."""
    found: Counter[tuple[str, str]] = Counter()
    for batch in batches:
        if batch.state is BatchState.FAILED:
            found["failed", AGAIN] += batch.rows
            continue
        for refusal in batch.refused:
            removal = batch.phase is Phase.REMOVE
            named = HELD.format(segment=segment) if refusal.row is not None else AGAIN
            found[scrubbed(refusal.reason), REMOVAL if removal else named] += refusal.count
    for (reason, then), count in found.most_common():
        yield Refused(reason, count, then)


def _batch(story: RunStory, batch: BatchRecord) -> BatchTold:
    answer = story.answers.get(batch.id)
    return BatchTold(
        number=batch.number,
        phase=batch.phase.value,
        rows=batch.rows,
        state=batch.state.value,
        attempts=batch.attempts,
        refused=refused_rows([batch]),
        code=scrubbed(answer.code) if answer else "",
        matched=answer.match_rate if answer else "",
        accepted_at=batch.accepted_at,
        processed_at=batch.processed_at,
    )


def _steps(story: RunStory) -> Iterator[Step]:
    """What happened in order, and what has not yet."""
    run, plan, read = story.run, story.plan, story.snapshot
    yield Step("Begun", run.started_at, None, f"by {run.actor}")
    if read is not None:
        said = f"{read.rows:,} rows, {read.usable:,} with an identifier"
        yield Step("Read", read.as_of, read.sealed_at, said)
    if plan is not None:
        yield from _of_plan(story, plan)
    if run.ended_at is not None:
        yield Step("Ended", run.ended_at, None, run.state.value)


def _of_plan(story: RunStory, plan: Plan) -> Iterator[Step]:
    counts = plan.counts
    said = (
        f"{counts.additions:,} to add, {counts.removals:,} to remove, {counts.again:,} to send "
        f"again, {counts.unchanged:,} unchanged"
    )
    yield Step("Planned", plan.created_at, None, said)
    if plan.held:
        yield Step("Held", plan.created_at, None, "; ".join(plan.held))
    for given in story.approvals:
        yield Step("Approved", given.at, None, f"by {given.actor}")
    sent = [each for each in story.batches if each.attempts]
    if not sent:
        return
    accepted = [each.accepted_at for each in sent if each.accepted_at is not None]
    yield Step(
        "Sent",
        story.sent_at,
        max(accepted, default=None),
        f"{_many(len(sent), 'batch', 'batches')} in {_many(sum(b.attempts for b in sent))}; "
        f"{len(accepted):,} accepted",
    )
    processed = [each.processed_at for each in sent if each.processed_at is not None]
    left = sum(each.state is BatchState.ACCEPTED for each in sent)
    waiting = f"; {left:,} wait for the platform" if left else ""
    if processed or left:
        done = f"{len(processed):,} processed by the platform{waiting}"
        yield Step("Processed", min(processed, default=None), max(processed, default=None), done)
    removals = [each for each in sent if plan.takes_out or each.phase is Phase.REMOVE]
    if removals:
        settled = sum(each.state is BatchState.SETTLED for each in removals)
        at = None if settled < len(removals) else max(processed, default=None)
        said = f"{settled:,} of {_many(len(removals), 'removal', 'removals')} have settled"
        yield Step("Settled", at, None, said)


def _many(count: int, one: str = "request", more: str = "requests") -> str:
    return f"{count:,} {one if count == 1 else more}"
