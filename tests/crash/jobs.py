"""Jobs of the Google Ads API, seen from the local platform's side: kept, put back, judged.

Only `connector: google_ads` has any. A job takes rows until it is run, and a job that is never
run stays PENDING for ever, with no word of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from threading import Lock

from connectors.sandbox.google.ads_jobs import Job, Jobs
from connectors.sandbox.state import Identifier

# What a child must be born with, to be a process of a moment.
IMPORTED = (
    "tests.crash.calls",
    *(
        f"google.ads.googleads.v26.services.services.{name}"
        for name in ("user_list_service", "offline_user_data_job_service", "google_ads_service")
    ),
    "google.ads.googleads.v26.errors.types.errors",
)


def copied(jobs: Mapping[str, Job]) -> dict[str, Job]:
    """Jobs as they are now, whatever becomes of them."""
    return {name: replace(one, rows=list(one.rows), adding=Lock()) for name, one in jobs.items()}


def coming(jobs: Jobs) -> frozenset[Identifier]:
    """Whom jobs will bring that take rows still."""
    rows = (row for one in jobs.all() if _adds(one) and not one.started for row in one.rows)
    return frozenset().union(*rows)


def doubled(jobs: Jobs, batches: Iterable[tuple[str, str]]) -> Iterator[str]:
    """What is wrong at any moment: jobs that the ledger leads nobody to, or two for one.

    A batch's next job may follow only once the one before was run and takes nothing more.

    Args:
        jobs: The platform's.
        batches: Of the ledger: id and phase.
    """
    if not jobs.all():
        return
    known = _determined(batches, {one.audience: one.account for one in jobs.all()})
    strangers = [one for one in jobs.all() if one.external_id not in known]
    if strangers:
        yield f"{len(strangers)} jobs that no batch determines"
    takes = Counter(known.get(one.external_id) for one in jobs.all() if not one.started)
    twice = [part for part, count in takes.items() if part is not None and count > 1]
    if twice:
        yield f"{len(twice)} batches with several jobs that take rows"


def _determined(
    batches: Iterable[tuple[str, str]], accounts: Mapping[str, str]
) -> dict[int, tuple[str, str]]:
    """The batch and the consent that each external id stands for."""
    from connectors.google_ads.jobs import external_id  # noqa: PLC0415  # the SDK, where it is used

    return {
        external_id(
            f"customers/{account}/userLists/{audience}",
            "remove" if phase == "remove" else "add",
            granted,
            batch,
            *again,
        ): (batch, granted)
        for audience, account in accounts.items()
        for batch, phase in batches
        for granted in ("True", "False")
        for again in ((), ("1",), ("2",), ("3",))
    }


def left(jobs: Jobs) -> Iterator[str]:
    """What is wrong once all runs have come to their end: whatever is not done."""
    states = Counter((jobs.state(one), bool(one.rows)) for one in jobs.all())
    for (state, filled), count in sorted(states.items()):
        if (state, filled) != ("SUCCESS", True):
            yield f"{count} jobs {'with' if filled else 'without'} operations are {state}"


def _adds(job: Job) -> bool:
    return job.operation == "create"
