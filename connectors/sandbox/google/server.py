"""The gRPC server: methods of two services, each a few lines over the state."""

from __future__ import annotations

import itertools
import re
import threading
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from random import Random
from typing import Any

import grpc
from google.ads.datamanager_v1 import types

from connectors.sandbox.faults import Fault, FaultQueue
from connectors.sandbox.google import answers, nodes
from connectors.sandbox.google.ads import Ads
from connectors.sandbox.google.checks import account_of, cut_violations, request_violations, row_of
from connectors.sandbox.google.relay import Relay
from connectors.sandbox.google.work import Backlog, Method, Request
from connectors.sandbox.state import World

# A raw protobuf message; the generated classes have no types.
Message = Any
Handler = Callable[[Message, grpc.ServicerContext], Message]

_PACKAGE = "google.ads.datamanager.v1"
_DENIED = int(types.ConsentStatus.CONSENT_DENIED)
_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_metadata_size", 1 << 20),
    ("grpc.so_reuseport", 0),
)
_NAME_FILTER = re.compile(r'display_name = "([^"\\]*)"\Z')
_DEFAULT_PAGE = 50
_LARGEST_PAGE = 1_000


def serve(
    world: World,
    faults: FaultQueue,
    port: int = 0,
    *,
    delay: float | None = 0.0,
    random: Random | None = None,
    largest_page: int = _LARGEST_PAGE,
    accounts: Collection[str] | None = None,
) -> GoogleServer:
    """Serve the Data Manager API on loopback.

    Args:
        world: The accounts' audiences.
        faults: What goes wrong, and when.
        port: 0 takes a free one.
        delay: Seconds until an accepted request takes effect: 0 before it is answered,
            None only when `GoogleServer.process` is called.
        random: Draws the order of requests that wait together.
        largest_page: User lists a page at most.
        accounts: Accounts that the caller may use, others are denied; None: all.
    """
    backlog = Backlog(world, faults, delay, random or Random(0))
    return GoogleServer(
        world, faults, backlog, port=port, largest_page=largest_page, accounts=accounts
    )


class GoogleServer:
    """A running server.

    Attributes:
        port: Where it listens, on 127.0.0.1.
        backlog: Requests that were answered and are still to be done.
        ads: The Google Ads API's services.
    """

    def __init__(
        self,
        world: World,
        faults: FaultQueue,
        backlog: Backlog,
        *,
        port: int,
        largest_page: int,
        accounts: Collection[str] | None,
    ) -> None:
        self.backlog = backlog
        self._world = world
        self._faults = faults
        self._largest_page = largest_page
        self._accounts = accounts
        self._numbers = itertools.count(1)
        self._creating = threading.Lock()
        self._stopped = threading.Event()
        # No `with`: it lives until `stop`.
        self._server = grpc.server(ThreadPoolExecutor(8, "sandbox-google"), options=_OPTIONS)
        self.ads = Ads(world, faults, backlog, accounts=accounts, reset=self._reset)
        self._server.add_generic_rpc_handlers((*self._handlers(), self.ads))
        inner = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()
        self._relay = Relay(port, inner)
        self.port = self._relay.port

    def process(self, order: Sequence[str] | None = None) -> tuple[str, ...]:
        """Let what was accepted take effect; see `Backlog.process`."""
        return self.backlog.process(order)

    def stop(self) -> None:
        """Close the port; what still waits stays undone."""
        self._stopped.set()
        self.ads.stop()
        self.backlog.stop()
        self._relay.stop()
        self._server.stop(None).wait()

    def _handlers(self) -> tuple[grpc.GenericRpcHandler, ...]:
        user_lists = {
            "GetUserList": self._method("get", types.GetUserListRequest, self._get),
            "ListUserLists": self._method("list", types.ListUserListsRequest, self._list),
            "CreateUserList": self._method("create", types.CreateUserListRequest, self._create),
        }
        ingestion = {
            "IngestAudienceMembers": self._method(
                "add", types.IngestAudienceMembersRequest, self._add
            ),
            "RemoveAudienceMembers": self._method(
                "remove", types.RemoveAudienceMembersRequest, self._remove
            ),
            "RemoveAllAudienceMembers": self._method(
                "cut", types.RemoveAllAudienceMembersRequest, self._cut
            ),
            "RetrieveRequestStatus": self._method(
                "status", types.RetrieveRequestStatusRequest, self._status
            ),
        }
        return (
            grpc.method_handlers_generic_handler(f"{_PACKAGE}.UserListService", user_lists),
            grpc.method_handlers_generic_handler(f"{_PACKAGE}.IngestionService", ingestion),
        )

    def _method(self, name: str, request_type: Any, handler: Handler) -> grpc.RpcMethodHandler:  # noqa: ANN401  # a generated class
        def serve_one(request: Message, context: grpc.ServicerContext) -> Message:
            self._world.count(name, rows=len(getattr(request, "audience_members", ())))
            fault = self._faults.take("google", name, partial(_holding, request))
            if fault is None:
                return handler(request, context)
            return self._with_fault(fault, handler, request, context)

        return grpc.unary_unary_rpc_method_handler(
            serve_one,
            request_deserializer=request_type.pb().FromString,
            # A scripted malformed answer is bytes already.
            response_serializer=lambda answer: (
                answer if isinstance(answer, bytes) else answer.SerializeToString()
            ),
        )

    # --- faults --------------------------------------------------------------

    def _with_fault(
        self, fault: Fault, handler: Handler, request: Message, context: grpc.ServicerContext
    ) -> Message:
        if fault.kind == "delay":
            self._stopped.wait(fault.seconds)
            return handler(request, context)
        if fault.kind == "refuse_rows":
            return self._accept_but(fault, handler, request, context)
        applies = fault.when == "after" or fault.kind == "half"
        if applies:
            handler(request, context)
        match fault.kind:
            case "error":
                answers.refuse_as_told(context, fault)
            case "half":
                context.send_initial_metadata(())
                self._reset(context)
            case "reset":
                self._reset(context)
            case "html" | "malformed":
                pass
        return fault.body.encode()

    def _accept_but(
        self, fault: Fault, handler: Handler, request: Message, context: grpc.ServicerContext
    ) -> Message:
        """Drop rows after the answer; Google would not do it before."""
        if not hasattr(request, "audience_members"):
            return handler(request, context)
        return self._accept(request, context, dropping=fault)

    def _reset(self, context: grpc.ServicerContext) -> None:
        # `ipv4:127.0.0.1:PORT`: the relay's end.
        self._relay.reset(int(context.peer().rpartition(":")[2]))

    # --- user lists ----------------------------------------------------------

    def _get(self, request: Message, context: grpc.ServicerContext) -> Message:
        parent, _, number = request.name.rpartition("/userLists/")
        account = self._account(parent, context)
        audience = self._world.get(number)
        if audience is None or audience.account != account:
            answers.refuse(context, grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
        return nodes.user_list(audience)

    def _list(self, request: Message, context: grpc.ServicerContext) -> Message:
        found = self._world.audiences(self._account(request.parent, context))
        wanted = _NAME_FILTER.match(request.filter)
        if request.filter and wanted is None:
            answers.refuse(context, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FILTER")
        if wanted is not None:
            # As a search would: without minding case. The client must compare.
            found = tuple(one for one in found if one.name.lower() == wanted[1].lower())
        start = int(request.page_token or 0)
        end = start + min(request.page_size or _DEFAULT_PAGE, self._largest_page)
        page = types.ListUserListsResponse.pb()()
        page.user_lists.extend(nodes.user_list(one) for one in found[start:end])
        page.next_page_token = str(end) if end < len(found) else ""
        return page

    def _create(self, request: Message, context: grpc.ServicerContext) -> Message:
        account = self._account(request.parent, context)
        self._heed(nodes.may_change(self._world.about[account], uploads=False), context)
        name, about = request.user_list.display_name, nodes.made_with(request.user_list)
        if isinstance(about, nodes.Refused):
            answers.refuse(context, grpc.StatusCode[about.status], about.reason)
        with self._creating:
            taken = bool(self._world.named(account, name))
            made = None if taken else self._world.create(account, name)
        if made is None:
            answers.refuse(context, grpc.StatusCode.ALREADY_EXISTS, "DISPLAY_NAME_ALREADY_USED")
        made.about.update(about)
        return nodes.user_list(made)

    def _account(self, parent: str, context: grpc.ServicerContext) -> str:
        account = account_of(parent)
        if account is None:
            answers.refuse(context, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_RESOURCE_NAME")
        login = dict(context.invocation_metadata()).get("login-account", "")
        self._let_in(account, login.rpartition("/")[2], context)
        return account

    def _let_in(self, account: str, login: str, context: grpc.ServicerContext) -> None:
        if self._accounts is not None and account not in self._accounts:
            answers.refuse(context, grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
        self._heed(nodes.admitted(self._world.about[account], login), context)

    def _heed(self, refused: nodes.Refused | None, context: grpc.ServicerContext) -> None:
        if refused is not None:
            answers.refuse(context, grpc.StatusCode[refused.status], refused.reason)

    def _let_in_all(
        self, request: Message, context: grpc.ServicerContext, *, uploads: bool
    ) -> None:
        for one in request.destinations:
            account = one.operating_account.account_id
            self._let_in(account, one.login_account.account_id, context)
            if uploads:
                self._heed(nodes.may_change(self._world.about[account], uploads=True), context)

    # --- ingestion -----------------------------------------------------------

    def _add(self, request: Message, context: grpc.ServicerContext) -> Message:
        return self._accept(request, context)

    def _remove(self, request: Message, context: grpc.ServicerContext) -> Message:
        return self._accept(request, context)

    def _accept(
        self, request: Message, context: grpc.ServicerContext, dropping: Fault | None = None
    ) -> Message:
        adds = request.DESCRIPTOR.name == "IngestAudienceMembersRequest"
        self._let_in_all(request, context, uploads=adds)
        violations = request_violations(request, self._world, terms=adds)
        if violations:
            answers.refuse_fields(context, violations)
        response = (
            types.IngestAudienceMembersResponse if adds else types.RemoveAudienceMembersResponse
        )
        answer = response.pb()()
        if not request.validate_only:
            answer.request_id = f"request-{next(self._numbers)}"
            method: Method = "add" if adds else "remove"
            now = self._world.now()
            self.backlog.take(_accepted(answer.request_id, method, request, dropping, at=now))
        return answer

    def _cut(self, request: Message, context: grpc.ServicerContext) -> Message:
        self._let_in_all(request, context, uploads=False)
        violations = cut_violations(request, self._world)
        if violations:
            answers.refuse_fields(context, violations)
        answer = types.RemoveAllAudienceMembersResponse.pb()()
        if not request.validate_only:
            now = self._world.now()
            told = request.HasField("remove_as_of_time")
            before = request.remove_as_of_time.ToDatetime(UTC) if told else now
            answer.request_id = f"request-{next(self._numbers)}"
            audiences = tuple(one.product_destination_id for one in request.destinations)
            self.backlog.take(Request(answer.request_id, "cut", audiences, before, {}, {}, 0, 0))
        return answer

    def _status(self, request: Message, context: grpc.ServicerContext) -> Message:
        status = self.backlog.status(request.request_id)
        if status is None:
            answers.refuse(context, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST_ID")
        return answers.request_status(status)


def _holding(request: Message, digests: Collection[str]) -> tuple[int, ...]:
    members = enumerate(getattr(request, "audience_members", ()))
    return tuple(
        position
        for position, member in members
        if any(text in digests for _, text in row_of(member))
    )


def _accepted(
    request_id: str, method: Method, request: Message, dropping: Fault | None, *, at: datetime
) -> Request:
    """A checked request, as work to do: members whose consent is denied are dropped."""
    members = dict(enumerate(request.audience_members))
    dropped: Counter[str] = Counter()
    if method == "add":
        for position, member in tuple(members.items()):
            consent = member.consent if member.HasField("consent") else request.consent
            if _DENIED in (consent.ad_user_data, consent.ad_personalization):
                del members[position]
                dropped["DENIED_CONSENT"] += 1
    if dropping is not None:
        reason = str(dropping.subcode or "INVALID_FORMAT")
        dropped[reason] += sum(members.pop(row, None) is not None for row in dropping.rows)
    return Request(
        id=request_id,
        method=method,
        audiences=tuple(one.product_destination_id for one in request.destinations),
        at=at,
        rows={position: row_of(member) for position, member in members.items()},
        dropped=+dropped,
        records=len(request.audience_members),
        identifiers=sum(len(one.user_data.user_identifiers) for one in request.audience_members),
    )
