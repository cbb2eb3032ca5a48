"""Jobs of the Google Ads API: made, filled one request after the other, run once."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field

from connectors.sandbox.google.work import Backlog, Request
from connectors.sandbox.state import Row, World


@dataclass(slots=True)
class Job:
    """One OfflineUserDataJob.

    Attributes:
        operation: What its operations are: `create`, `remove`, or "" while it has none.
        consent: The names of ad_user_data and ad_personalization.
        adding: Held while a request adds to it, or runs it.
    """

    name: str
    account: str
    audience: str
    external_id: int
    consent: tuple[str, str]
    operation: str = ""
    started: bool = False
    rows: list[Row] = field(default_factory=list, repr=False)
    adding: threading.Lock = field(default_factory=threading.Lock, repr=False)


class Jobs:
    """The jobs of all accounts; safe between threads.

    Args:
        world: Tells the time.
        backlog: Does them once they are run.
    """

    def __init__(self, world: World, backlog: Backlog) -> None:
        self._world = world
        self._backlog = backlog
        self._lock = threading.Lock()
        self._numbers = itertools.count(9_001)
        self._jobs: dict[str, Job] = {}

    def create(
        self, account: str, audience: str, external_id: int, consent: tuple[str, str]
    ) -> Job | None:
        """Make a job; None if the account has one of this external id."""
        with self._lock:
            taken = any(
                one.external_id == external_id and one.account == account
                for one in self._jobs.values()
            )
            if external_id and taken:
                return None
            name = f"customers/{account}/offlineUserDataJobs/{next(self._numbers)}"
            made = self._jobs[name] = Job(name, account, audience, external_id, consent)
            return made

    def get(self, name: str) -> Job | None:
        """The job of this resource name, or None."""
        with self._lock:
            return self._jobs.get(name)

    def all(self) -> tuple[Job, ...]:
        """Every job, oldest first."""
        with self._lock:
            return tuple(self._jobs.values())

    def run(self, job: Job) -> bool:
        """Hand a job's rows on to be worked on; False if that was done before."""
        with self._lock:
            if job.started:
                return False
            job.started = True
        work = Request(
            id=job.name,
            method="remove" if job.operation == "remove" else "add",
            audiences=(job.audience,),
            at=self._world.now(),
            rows=dict(enumerate(job.rows)),
            dropped={},
            records=len(job.rows),
            identifiers=sum(map(len, job.rows)),
        )
        self._backlog.take(work)
        return True

    def state(self, job: Job) -> str:
        """Its status, as OfflineUserDataJobStatus names it."""
        if not job.started:
            return "PENDING"
        status = self._backlog.status(job.name)
        if status is None or status.state == "PROCESSING":
            return "RUNNING"
        # Also without a row, and where none was taken: so the reference says.
        return "FAILED" if status.state == "FAILED" and job.rows else "SUCCESS"
