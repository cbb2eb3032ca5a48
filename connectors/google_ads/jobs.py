"""Jobs: made, filled, run and asked about; one call of the API each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connectors.google_ads import errors, wire
from connectors.google_ads.api import UPLOAD_SECONDS, Api
from connectors.google_ads.meanings import EXISTS, FINAL, HINTS, OTHER_KEY, STARTED
from syncd.errors import AudienceUnusable, RequestRefused, Unavailable
from syncd.model import MatchRate, Operation, Outcome, Refusal

if TYPE_CHECKING:
    import pyarrow as pa

    from connectors.google_ads.api import Message

_MODULE = "services.types.offline_user_data_job_service"
_ADDING = "AddOfflineUserDataJobOperationsRequest"
_DONE = frozenset({"SUCCESS", "FAILED"})
_FIELDS = ", ".join(
    f"offline_user_data_job.{name}"
    for name in ("resource_name", "status", "operation_metadata.match_rate_range")
)


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it was found, or made.

    Attributes:
        name: Its resource name.
        state: As Google names it; only one that is PENDING takes rows.
    """

    name: str
    state: str = "PENDING"

    @property
    def takes(self) -> bool:
        """Whether rows can be added to it."""
        return self.state == "PENDING"

    @property
    def done(self) -> bool:
        """Whether nothing will come of it any more."""
        return self.state in _DONE


@dataclass(frozen=True, slots=True)
class Jobs:
    """The jobs of one list."""

    api: Api
    user_list: str

    def create(self, external_id: int, *, granted: bool) -> str:
        """Make a job; its resource name.

        Args:
            external_id: Ours, of which an account has no two.
            granted: See `wire.Part`.

        Raises:
            syncd.errors.PlatformError: It was not made, or nobody knows.
        """
        request = self._making(granted=granted)
        request.job.external_id = external_id
        answer = self.api.call(self.api.jobs.create_offline_user_data_job, _MODULE, request)
        return _named(str(answer.resource_name))

    def check(self) -> None:
        """See whether Google would let a job be made; none is.

        Raises:
            syncd.errors.PlatformError: It would not, or nobody knows.
        """
        request = self._making(granted=False)
        request.validate_only = True
        self.api.call(self.api.jobs.create_offline_user_data_job, _MODULE, request)

    def _making(self, *, granted: bool) -> Message:
        """The request to make a job."""
        api = self.api
        request = api.new(_MODULE, "CreateOfflineUserDataJobRequest")
        request.customer_id = api.customer
        request.enable_match_rate_range_preview = True
        job = request.job
        job.type_ = api.number(
            "offline_user_data_job_type", "OfflineUserDataJobType.CUSTOMER_MATCH_USER_LIST"
        )
        job.customer_match_user_list_metadata.user_list = self.user_list
        if granted:
            yes = api.number("consent_status", "ConsentStatus.GRANTED")
            job.customer_match_user_list_metadata.consent.ad_user_data = yes
            job.customer_match_user_list_metadata.consent.ad_personalization = yes
        return request

    def create_or_find(self, external_id: int, *, granted: bool) -> Job | None:
        """Make a job, or find the one that was made when the answer was lost.

        Returns:
            The job; None where Google has one of this id, and does not show it.
        """
        try:
            return Job(self.create(external_id, granted=granted))
        except RequestRefused as error:
            if error.code != EXISTS:
                raise
        query = f"SELECT {_FIELDS} FROM offline_user_data_job WHERE offline_user_data_job"
        found = wire.jobs(self.api.ask(f"{query}.external_id = {external_id}"))
        return next((Job(job.resource_name, wire.state(job)) for job in found), None)

    def parts(self, rows: pa.RecordBatch, operation: Operation) -> tuple[wire.Part, ...]:
        """The rows by the job that they go into; see `wire.parts`."""
        return wire.parts(rows, operation, self.api.new(_MODULE, _ADDING))

    def add(self, name: str, part: wire.Part) -> tuple[Refusal, ...]:
        """Add rows to a job; those that it would not take.

        Raises:
            syncd.errors.PlatformError: Nothing, or nothing known, of them was taken.
        """
        api = self.api
        request = api.new(_MODULE, _ADDING)
        request.resource_name = name
        request.enable_partial_failure = True
        request.MergeFromString(part.operations)
        call, many = api.jobs.add_offline_user_data_job_operations, len(part.positions)
        answer = api.call(call, _MODULE, request, UPLOAD_SECONDS, many)
        return self._refused(answer.partial_failure_error.details, part)

    def run(self, name: str) -> None:
        """Let Google begin with a job; what becomes of it, its status tells.

        The long-running operation that it answers with is not waited for: it may take a day.

        Raises:
            syncd.errors.PlatformError: It was not begun, or nobody knows.
        """
        request = self.api.new(_MODULE, "RunOfflineUserDataJobRequest")
        request.resource_name = name
        try:
            self.api.call(self.api.jobs.run_offline_user_data_job, _MODULE, request)
        except RequestRefused as error:
            if error.code != STARTED:
                raise

    def _refused(self, details: Iterable[Message], part: wire.Part) -> tuple[Refusal, ...]:
        """Rows that a partial failure names.

        Raises:
            syncd.errors.PlatformError: It is no fault of rows.
        """
        found = [one for each in details for one in errors.troubles(self.api.failure(each.value))]
        many = len(part.positions)
        by_row = {one.row: one for one in reversed(found) if one.row is not None and one.row < many}
        if found and not by_row:
            raise errors.meant(found, "INVALID_ARGUMENT")
        if len(by_row) == many and len({one.code for one in found}) == 1:
            _of_all(found[0], many)
        if errors.passing(found) or any(one.row not in by_row for one in found):
            # Others of the request may have been taken, so it is not as if nothing was.
            raise Unavailable(errors.PLATFORM, found[0].code)
        return tuple(Refusal(part.positions[row], by_row[row].name) for row in sorted(by_row))


def outcome(api: Api, reference: str) -> Outcome:
    """What became of the jobs that a receipt refers to; one that was never run is run now.

    Raises:
        syncd.errors.PlatformError: Nobody knows.
    """
    names = tuple(name for name in reference.split(",") if name)
    asked = ", ".join(map(wire.quoted, names))
    query = f"SELECT {_FIELDS} FROM offline_user_data_job WHERE offline_user_data_job"
    found = tuple(wire.jobs(api.ask(f"{query}.resource_name IN ({asked})")))
    if {job.resource_name for job in found} != set(names):
        return Outcome("forgotten")
    left = [job.resource_name for job in found if wire.state(job) == "PENDING"]
    for name in left:
        Jobs(api, "").run(name)
    states = {wire.state(job) for job in found}
    if not states <= _DONE:
        return Outcome("processing", begun=bool(left))
    rate = MatchRate.spanning(map(wire.match_rate, found))
    return Outcome("failed" if "FAILED" in states else "processed", match_rate=rate)


def external_id(*parts: str) -> int:
    """A positive int64 that the same parts have again, so that a made job is found by it."""
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 1) or 1


def _named(name: str) -> str:
    if "/offlineUserDataJobs/" not in name or "," in name:
        raise errors.malformed("a job without its name")
    return name


def _of_all(trouble: errors.Trouble, many: int) -> None:
    """One error of every row is one of the request, unless it is of rows.

    Raises:
        syncd.errors.PlatformError: It is.
    """
    if trouble.code == OTHER_KEY and many > 1:
        hint = HINTS[trouble.name]
        raise AudienceUnusable(errors.PLATFORM, trouble.code, hint=hint)
    if trouble.code in FINAL:
        raise errors.meant([trouble], "INVALID_ARGUMENT")
