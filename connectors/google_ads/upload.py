"""One operation on one list, as jobs of the Google Ads API."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from connectors.google_ads import errors, wire
from connectors.google_ads.jobs import Jobs, external_id
from connectors.google_ads.meanings import EXISTS, STARTED
from syncd.errors import PlatformError, RequestRefused, Unavailable
from syncd.model import Batch, Operation, Receipt, Refusal

MAX_ROWS = 5_000
# Jobs for one part of a batch. Each further one takes a process that died between the run of the
# one before and its receipt, so more are no accident.
MOST_AGAIN = 20


class AdsUpload:
    """Pushes batches into one job for each consent, and runs the jobs with the last batch.

    A job that is never run stays PENDING, and nothing tells so. It is run with the last batch;
    where that did not come about, because the run ended, or because the request was not
    answered, the core's question after any of its batches runs it (`jobs.outcome`). So a batch
    is accepted once its rows are in the job.

    A job's external id is determined by its first batch. So when that batch comes again, since an
    answer was lost, the job is found and goes on, in whatever process. If it was run meanwhile,
    another one follows, whose id is determined too: none is ever left behind.
    """

    def __init__(self, jobs: Jobs, operation: Operation, *, randbits: Callable[[int], int]) -> None:
        self._jobs = jobs
        self._operation = operation
        self._open: dict[bool, str] = {}
        self.label = f"{operation.value}-{randbits(64):016x}"

    def __repr__(self) -> str:
        return f"AdsUpload({self.label})"

    def push(self, batch: Batch, *, last: bool) -> Receipt:
        """Send one batch, in one request for each consent that its rows have.

        Raises:
            syncd.errors.PlatformError: Nothing, or nothing known, of it was taken.
            ValueError: The batch breaks the core's own rules.
        """
        rows = batch.rows
        if batch.operation is not self._operation:
            raise ValueError(f"a batch to {batch.operation.value} in a {self.label} upload")
        if not 1 <= rows.num_rows <= MAX_ROWS:
            raise ValueError(f"a batch of {rows.num_rows} rows; at most {MAX_ROWS} go in one")
        refused: list[Refusal] = []
        names: list[str] = []
        for part in self._jobs.parts(rows, self._operation):
            try:
                found, some = self._add(batch, part)
            except PlatformError as error:
                if not names:
                    raise
                ours: PlatformError = Unavailable(errors.PLATFORM, error.code, hint=error.hint)
            else:
                names += found
                refused += some
                continue
            # Rows of another consent are in their job already: not "nothing was taken".
            raise ours
        if last:
            self._run()
        in_order = tuple(sorted(refused, key=lambda one: one.row or 0))
        return Receipt(rows.num_rows, in_order, ",".join(names), final=False)

    def _add(self, batch: Batch, part: wire.Part) -> tuple[list[str], tuple[Refusal, ...]]:
        """Put a part into the job of its consent; the jobs to wait for, and the rows refused."""
        under_way: list[str] = []
        name = self._open.get(part.granted) or self._begin(batch, part, under_way)
        try:
            refused = self._jobs.add(name, part)
        except RequestRefused as error:
            if error.code != STARTED:
                raise
            # It was run meanwhile and takes nothing more; nothing of this went in.
            under_way.clear()
            name = self._begin(batch, part, under_way, run=name)
            refused = self._jobs.add(name, part)
        self._open[part.granted] = name
        return [*under_way, name], refused

    def _begin(self, batch: Batch, part: wire.Part, under_way: list[str], *, run: str = "") -> str:
        """Make the job that a batch determines, or find it.

        Args:
            batch: The job's first.
            part: Of it.
            under_way: Gets earlier jobs of the batch that were run and are not done: they have
                these rows too, so what comes of them is waited for.
            run: A job that was, though a query may not show it yet.

        Raises:
            syncd.errors.PlatformError: There is none, or nobody knows.
        """
        whose = (self._jobs.user_list, self._operation.value, str(part.granted), batch.id)
        for again in ("", *map(str, range(1, MOST_AGAIN))):
            number = external_id(*whose, again) if again else external_id(*whose)
            job = self._jobs.create_or_find(number, granted=part.granted)
            if job is not None and job.takes and job.name != run:
                return job.name
            if job is not None and not job.done:
                under_way.append(job.name)
        raise Unavailable(errors.PLATFORM, EXISTS)

    def _run(self) -> None:
        for name in self._open.values():
            # Its rows are accepted all the same: who asks what became of them runs it.
            with contextlib.suppress(PlatformError):
                self._jobs.run(name)
        self._open.clear()
