"""One operation on one list, as jobs of the Google Ads API."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from connectors.google_ads import errors, wire
from connectors.google_ads.jobs import Jobs, external_id
from connectors.google_ads.meanings import STARTED
from syncd.errors import PlatformError, RequestRefused, Unavailable
from syncd.model import Batch, Operation, Receipt, Refusal

MAX_ROWS = 5_000


class AdsUpload:
    """Pushes batches into one job for each consent, and runs the jobs with the last batch.

    A job that is never run stays PENDING, and nothing tells so. It is run with the last batch;
    where that did not come about, because the run ended, or because the request was not
    answered, the core's question after any of its batches runs it (`jobs.outcome`). So a batch
    is accepted once its rows are in the job. A job whose first batch got no answer is found again
    by its external id, which that batch determines, and goes on.
    """

    def __init__(self, jobs: Jobs, operation: Operation, *, randbits: Callable[[int], int]) -> None:
        self._jobs = jobs
        self._operation = operation
        self._randbits = randbits
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
                name, some = self._add(batch, part)
            except PlatformError as error:
                if not names:
                    raise
                ours: PlatformError = Unavailable(errors.PLATFORM, error.code, hint=error.hint)
            else:
                names.append(name)
                refused += some
                continue
            # Rows of another consent are in their job already: not "nothing was taken".
            raise ours
        if last:
            self._run()
        found = tuple(sorted(refused, key=lambda one: one.row or 0))
        return Receipt(rows.num_rows, found, ",".join(names), final=False)

    def _add(self, batch: Batch, part: wire.Part) -> tuple[str, tuple[Refusal, ...]]:
        """Put a part into the job of its consent; the job's name, and the rows refused."""
        name = self._open.get(part.granted) or self._begin(batch, part)
        try:
            refused = self._jobs.add(name, part)
        except RequestRefused as error:
            if error.code != STARTED:
                raise
            # It was run meanwhile and takes nothing more; nothing of this went in.
            name = self._anew(part)
            refused = self._jobs.add(name, part)
        self._open[part.granted] = name
        return name, refused

    def _begin(self, batch: Batch, part: wire.Part) -> str:
        whose = (self._jobs.user_list, self._operation.value, str(part.granted), batch.id)
        found = self._jobs.create_or_find(external_id(*whose), granted=part.granted)
        return found or self._anew(part)

    def _anew(self, part: wire.Part) -> str:
        return self._jobs.create(self._randbits(63) or 1, granted=part.granted)

    def _run(self) -> None:
        for name in self._open.values():
            # Its rows are accepted all the same: who asks what became of them runs it.
            with contextlib.suppress(PlatformError):
                self._jobs.run(name)
        self._open.clear()
