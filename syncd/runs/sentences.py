"""What a plan says to a reader who has never seen the code, and its numbers for the audit."""

from __future__ import annotations

from dataclasses import replace

from syncd.model import HELD_OUT, OTHER_ARM, WOULD_STAY, Plan, PlanCounts


def sentence(plan: Plan) -> str:
    """A plan for a reader who has never seen the code."""
    counts = plan.counts
    if plan.takes_out:
        return _taking(plan)
    said = (
        f"Of {counts.snapshot:,} members read, {counts.wanted:,} may be sent: "
        f"{counts.additions:,} to add, {counts.removals:,} rows to remove, "
        f"{counts.again:,} to send again, {counts.unchanged:,} unchanged."
    )
    if counts.expired:
        said = (
            f"The segment could be used until {counts.expired}, so it has no members now and its "
            f"audience loses all: {counts.removals:,} rows to remove."
        )
    if counts.refreshed:
        said += f" {counts.refreshed:,} of those to add are there, and sent before they expire."
    if counts.updated:
        said += f" {counts.updated:,} of those to add are there; only details of them changed."
    said += _of_definition(counts) + _kept_out(counts) + _of_control(counts) + _of_arms(counts)
    if counts.migrating:
        said += (
            f" {counts.migrating:,} identifiers get a new digest by changed rules; the old ones "
            "leave once the new ones have settled, outside the guard."
        )
    if counts.superseded:
        said += (
            f" {counts.superseded:,} identifiers leave by their digest of earlier rules, whose "
            "new ones have settled."
        )
    if plan.held:
        said += (
            f" Removals are held: {'; '.join(plan.held)}. `syncd approve {plan.id}` lets them go."
        )
    return said


def _of_definition(counts: PlanCounts) -> str:
    """What a segment was before, and what comes of it that it is another one now."""
    before = counts.definition_before
    if not before or before == counts.definition:
        return ""
    return (
        f" The segment is another one than in the last plan that was carried out: {before} then, "
        f"{counts.definition} now. By that, or meanwhile, {counts.additions:,} come and "
        f"{counts.leaving.members + counts.withdrawn.members:,} members leave."
    )


def _kept_out(counts: PlanCounts) -> str:
    """Who is not sent, but for the control and other arms."""
    others = ("erased", HELD_OUT, OTHER_ARM, WOULD_STAY)
    by_consent = {reason: count for reason, count in counts.lost.items() if reason not in others}
    lost, said = "; ".join(f"{reason}: {count:,}" for reason, count in by_consent.items()), ""
    if lost:
        said += f" Kept out by consent: {lost}."
    if erased := counts.lost.get("erased"):
        said += f" Erased and kept out: {erased:,}."
    if near := counts.lost.get(WOULD_STAY):
        said += f" Not there, and near enough only to stay if they were: {near:,}."
    return said


def _of_control(counts: PlanCounts) -> str:
    """How many are held out, and what a changed share does, which is no churn."""
    said, share = "", f"{counts.holdout * 100:g}%"
    if counts.holdout:
        held = counts.lost.get(HELD_OUT, 0)
        said += f" Held out as control ({share} of the segment): {held:,}."
    before = counts.holdout_before
    if before is not None and before != counts.holdout:
        said += f" The share held out changes from {before * 100:g}% to {share}."
    if counts.joining_control:
        said += (
            f" {counts.joining_control:,} of them were sent before, and leave to join the "
            "control: that is the hold-out, and no churn."
        )
    return said


def _of_arms(counts: PlanCounts) -> str:
    """How many are in other arms, and what changed shares do, which is no churn either."""
    said = ""
    if counts.arm:
        said += f" This is arm {counts.arm}; in another one: {counts.lost.get(OTHER_ARM, 0):,}."
    before = counts.arm_before
    if before is not None and before != counts.arm:
        said += f" Before, this was {f'arm {before}' if before else 'the whole segment'}."
    if counts.joining_arms:
        said += (
            f" {counts.joining_arms:,} of them were sent before, and leave as they are in another "
            "arm now: that is the test, and no churn."
        )
    return said


def _taking(plan: Plan) -> str:
    """The same of a sync that only takes members out."""
    counts = plan.counts
    said = (
        f"Of {counts.snapshot:,} members read, {counts.additions:,} are to be taken out, "
        f"{counts.unchanged:,} were taken out before."
    )
    if counts.forgotten:
        said += f" {counts.forgotten:,} identifiers left the segment: forgotten, nothing is sent."
    if counts.lost.get("erased"):
        said += f" Erased and not sent: {counts.lost['erased']:,}."
    if counts.removals:
        said += f" {counts.removals:,} rows to remove of who was erased."
    said += _of_control(counts) + _of_arms(counts)
    if plan.held:
        said += f" Held: {'; '.join(plan.held)}. `syncd approve {plan.id}` takes them out."
    return said


def numbers(plan: Plan) -> dict[str, int]:
    """A plan's counts for the audit; whoever is taken out counts as a removal."""
    counts = plan.counts
    if plan.takes_out:
        removals = counts.removals + counts.additions
        counts = replace(counts, additions=0, removals=removals)
    return {
        "read": counts.snapshot,
        "wanted": counts.wanted,
        "additions": counts.additions,
        "again": counts.again,
        "removals": counts.removals,
        "confirmations": counts.confirmations,
        "leaving": counts.leaving.members,
        "withdrawn": counts.withdrawn.members,
        "unchanged": counts.unchanged,
    } | {
        name: count
        for name, count in (
            ("superseded", counts.superseded),
            ("migrating", counts.migrating),
            ("refreshed", counts.refreshed),
            ("updated", counts.updated),
            ("forgotten", counts.forgotten),
            ("held_out", counts.lost.get(HELD_OUT, 0)),
            ("joining_control", counts.joining_control),
            ("other_arms", counts.lost.get(OTHER_ARM, 0)),
            ("joining_arms", counts.joining_arms),
            ("would_stay", counts.lost.get(WOULD_STAY, 0)),
        )
        if count  # of what most plans have nothing of
    }
