"""The Google Ads API's services for customer match, on the same port as the Data Manager API.

One world: a list that was made through either API is there for both, under the same number.
Every version that the installed google-ads speaks is served; its messages are imported with the
first request. Faults are taken under platform `google_ads` and the methods `search`,
`create_list`, `create_job`, `add` (also of removals) and `run`. Of an `error`, `code` is the
gRPC status and `subcode` the API's own: `quota_error.RESOURCE_EXHAUSTED`; or, without a dot, the
reason that Google's gateway gives before the API is reached: `SERVICE_DISABLED`.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn

import grpc

from connectors.sandbox.faults import Fault, FaultQueue
from connectors.sandbox.google import ads_answers as answers
from connectors.sandbox.google.ads_answers import Trouble, message
from connectors.sandbox.google.ads_checks import KEYS, request_trouble, row_of, row_troubles
from connectors.sandbox.google.ads_jobs import Job, Jobs
from connectors.sandbox.google.ads_search import search
from connectors.sandbox.google.work import Backlog
from connectors.sandbox.state import World

# A raw protobuf message; the generated classes have no types.
Message = Any

_METHOD = re.compile(r"/google\.ads\.googleads\.(v[0-9]+)\.services\.[A-Za-z]+/([A-Za-z]+)\Z")
_JOB = "offline_user_data_job_error"
_LONGEST = 540  # days of a membership, since 2025-04-07
_LISTS, _JOBS, _SEARCH = "user_list_service", "offline_user_data_job_service", "google_ads_service"


@dataclass(frozen=True, slots=True)
class Call:
    """One request, and what its answer is made with."""

    version: str
    request: Message
    context: grpc.ServicerContext

    def answer(self, service: str, name: str) -> Message:
        """An empty answer of this type."""
        return message(self.version, f"services.types.{service}", name)()

    def refuse(
        self, trouble: str, code: grpc.StatusCode = grpc.StatusCode.INVALID_ARGUMENT
    ) -> NoReturn:
        """End the call."""
        answers.refuse(self.context, self.version, Trouble(trouble), code=code)


class Ads(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc has no types
    """Serves these services.

    Args:
        world: The accounts' audiences.
        faults: What goes wrong, and when.
        backlog: Does jobs that were run.
        accounts: Accounts that the caller may use, others are denied; None: all.
        reset: Cuts the connection of a call.
    """

    def __init__(
        self,
        world: World,
        faults: FaultQueue,
        backlog: Backlog,
        *,
        accounts: Collection[str] | None,
        reset: Callable[[grpc.ServicerContext], None],
    ) -> None:
        self.jobs = Jobs(world, backlog)
        self._world = world
        self._faults = faults
        self._accounts = accounts
        self._reset = reset
        self._creating = threading.Lock()
        self._stopped = threading.Event()
        self._methods: dict[str, tuple[str, str, Callable[[Call], Message]]] = {
            "MutateUserLists": ("create_list", _LISTS, self._create_list),
            "CreateOfflineUserDataJob": ("create_job", _JOBS, self._create_job),
            "AddOfflineUserDataJobOperations": ("add", _JOBS, self._add),
            "RunOfflineUserDataJob": ("run", _JOBS, self._run),
            "Search": ("search", _SEARCH, self._search),
        }

    def stop(self) -> None:
        """End what is delayed."""
        self._stopped.set()

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        """The handler of a method, or None if it is none of these."""
        match = _METHOD.match(details.method)
        if match is None or match[2] not in self._methods:
            return None
        version = match[1]
        name, service, handler = self._methods[match[2]]
        try:
            request = message(version, f"services.types.{service}", _request(match[2]))
        except ImportError:
            return None  # UNIMPLEMENTED, which a version is that is not there

        def serve_one(given: Message, context: grpc.ServicerContext) -> Message:
            self._world.count(f"ads.{name}", rows=len(getattr(given, "operations", ())))
            call = Call(version, given, context)
            fault = self._faults.take("google_ads", name, partial(_holding, given))
            if fault is None:
                self._let_in(call)
                return handler(call)
            return self._with_fault(fault, handler, call)

        return grpc.unary_unary_rpc_method_handler(
            serve_one,
            request_deserializer=request.FromString,
            # A scripted malformed answer is bytes already.
            response_serializer=lambda answer: (
                answer if isinstance(answer, bytes) else answer.SerializeToString()
            ),
        )

    def _with_fault(self, fault: Fault, handler: Callable[[Call], Message], call: Call) -> Message:
        if fault.kind == "delay":
            self._stopped.wait(fault.seconds)
            return handler(call)
        if fault.kind == "refuse_rows":
            return self._add(call, fault) if _adds(call) else handler(call)
        if fault.when == "after" or fault.kind == "half":
            handler(call)
        match fault.kind:
            case "error":
                answers.refuse_as_told(call.context, call.version, fault)
            case "half":
                call.context.send_initial_metadata(())
                self._reset(call.context)
            case "reset":
                self._reset(call.context)
            case "html" | "malformed":
                pass
        return fault.body.encode()

    def _let_in(self, call: Call) -> None:
        account = _account(call.request)
        if self._accounts is not None and account not in self._accounts:
            call.refuse(
                "authorization_error.USER_PERMISSION_DENIED", code=grpc.StatusCode.PERMISSION_DENIED
            )

    # --- user lists ----------------------------------------------------------

    def _create_list(self, call: Call) -> Message:
        account = call.request.customer_id
        answer = call.answer(_LISTS, "MutateUserListsResponse")
        for operation in call.request.operations:
            given = operation.create
            key = _name(given.crm_based_user_list, "upload_key_type")
            trouble = _list_trouble(given, key)
            if trouble:
                call.refuse(trouble)
            with self._creating:
                taken = bool(self._world.named(account, given.name))
                made = None if taken else self._world.create(account, given.name)
            if made is None:
                call.refuse("user_list_error.NAME_ALREADY_USED")
            made.about["upload_key_type"] = key
            if given.HasField("membership_life_span"):
                made.about["membership_life_span"] = given.membership_life_span
            answer.results.add().resource_name = f"customers/{account}/userLists/{made.id}"
        return answer

    # --- jobs ----------------------------------------------------------------

    def _create_job(self, call: Call) -> Message:
        account, job = call.request.customer_id, call.request.job
        if _name(job, "type_") != "CUSTOMER_MATCH_USER_LIST":
            call.refuse(f"{_JOB}.INVALID_USER_LIST_TYPE")
        metadata = job.customer_match_user_list_metadata
        owner, _, number = metadata.user_list.rpartition("/userLists/")
        audience = self._world.get(number)
        if audience is None or owner != f"customers/{account}" or audience.account != account:
            call.refuse(f"{_JOB}.INVALID_USER_LIST_ID")
        fields = ("ad_user_data", "ad_personalization")
        ad_user_data, ad_personalization = (_name(metadata.consent, one) for one in fields)
        consent = (ad_user_data, ad_personalization)
        if "DENIED" in consent:
            call.refuse(f"{_JOB}.CUSTOMER_NOT_ACCEPTED_CUSTOMER_DATA_TERMS")
        answer = call.answer(_JOBS, "CreateOfflineUserDataJobResponse")
        if call.request.validate_only:
            return answer
        made = self.jobs.create(account, audience.id, job.external_id, consent)
        if made is None:
            call.refuse(f"{_JOB}.EXTERNAL_UPDATE_ID_ALREADY_EXISTS")
        answer.resource_name = made.name
        return answer

    def _add(self, call: Call, dropping: Fault | None = None) -> Message:
        with self._alone(call) as job:
            return self._added(call, job, dropping)

    @contextmanager
    def _alone(self, call: Call) -> Iterator[Job]:
        """The call's job, while no other call changes it."""
        job = self._job(call)
        if not job.adding.acquire(blocking=False):
            call.refuse("database_error.CONCURRENT_MODIFICATION", code=grpc.StatusCode.ABORTED)
        try:
            yield job
        finally:
            job.adding.release()

    def _added(self, call: Call, job: Job, dropping: Fault | None) -> Message:
        if job.started:
            call.refuse(f"{_JOB}.JOB_ALREADY_STARTED")
        operations = call.request.operations
        trouble = request_trouble(operations, job.operation)
        if trouble is not None:
            answers.refuse(call.context, call.version, trouble)
        audience = self._world.get(job.audience)
        key = str(audience.about.get("upload_key_type", "CONTACT_INFO")) if audience else ""
        troubles = list(row_troubles(operations, key)) if key else []
        if dropping is not None:
            code = str(dropping.subcode or f"{_JOB}.INVALID_SHA256_FORMAT")
            troubles += [Trouble(code, row) for row in dropping.rows]
        if troubles and not call.request.enable_partial_failure:
            answers.refuse(call.context, call.version, *troubles)
        bad = {one.row for one in troubles}
        job.operation = job.operation or operations[0].WhichOneof("operation")
        job.rows += [row_of(one) for n, one in enumerate(operations) if n not in bad]
        answer = call.answer(_JOBS, "AddOfflineUserDataJobOperationsResponse")
        if troubles:
            answer.partial_failure_error.CopyFrom(answers.partial(call.version, troubles))
        return answer

    def _run(self, call: Call) -> Message:
        from google.longrunning import operations_pb2  # type: ignore[import-untyped]  # noqa: PLC0415  # with the first

        with self._alone(call) as job:
            if not self.jobs.run(job):
                call.refuse(f"{_JOB}.JOB_ALREADY_STARTED")
        return operations_pb2.Operation(name=f"{job.name}/operations/1")

    def _job(self, call: Call) -> Job:
        job = self.jobs.get(call.request.resource_name)
        if job is None:
            call.refuse("mutate_error.RESOURCE_NOT_FOUND", code=grpc.StatusCode.NOT_FOUND)
        return job

    # --- reading -------------------------------------------------------------

    def _search(self, call: Call) -> Message:
        answer = call.answer(_SEARCH, "SearchGoogleAdsResponse")
        found = search(call.request.query, call.request.customer_id, self._world, self.jobs)
        if found is None:
            call.refuse("query_error.BAD_FIELD_NAME")
        for fill in found:
            fill(answer.results.add())
        return answer


def _request(method: str) -> str:
    return "SearchGoogleAdsRequest" if method == "Search" else f"{method}Request"


def _adds(call: Call) -> bool:
    return bool(call.request.DESCRIPTOR.name == "AddOfflineUserDataJobOperationsRequest")


def _account(request: Message) -> str:
    if hasattr(request, "customer_id"):
        return str(request.customer_id)
    return str(request.resource_name).partition("/")[2].partition("/")[0]


def _name(given: Message, field: str) -> str:
    """The name of an enum field's value."""
    kind = given.DESCRIPTOR.fields_by_name[field].enum_type
    found = kind.values_by_number.get(getattr(given, field))
    return str(found.name) if found else ""


def _list_trouble(given: Message, key: str) -> str:
    if not given.name:
        return "user_list_error.INVALID_NAME"
    if key not in KEYS:
        return "field_error.REQUIRED"
    mobile, app = key == "MOBILE_ADVERTISING_ID", bool(given.crm_based_user_list.app_id)
    if mobile != app:
        return f"user_list_error.APP_ID_NOT_{'SET' if mobile else 'ALLOWED'}"
    return "range_error.TOO_HIGH" if given.membership_life_span > _LONGEST else ""


def _holding(request: Message, digests: Collection[str]) -> tuple[int, ...]:
    if request.DESCRIPTOR.name != "AddOfflineUserDataJobOperationsRequest":
        return ()
    return tuple(
        position
        for position, operation in enumerate(request.operations)
        if any(text in digests for _, text in row_of(operation))
    )
