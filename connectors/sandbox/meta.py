"""A local Graph API: the part of it that keeps custom audiences, over HTTP.

Real enough for the real SDK. The rules for rows and sessions are in `meta_rules`. It
does not match people, or take as long as Meta does: what it accepts is in the audience when
it answers.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import re
import threading
from dataclasses import dataclass, field
from typing import Literal

from connectors.sandbox.faults import Fault, FaultQueue
from connectors.sandbox.meta_limits import TIERS, Limits, TierName
from connectors.sandbox.meta_nodes import (
    TOKEN_NODE,
    account_node,
    admit_account,
    admit_change,
    audience_node,
    making,
    token_node,
)
from connectors.sandbox.meta_rules import (
    MAX_SAMPLES,
    Admitted,
    Batch,
    GraphError,
    Payload,
    Sessions,
    admit_keys,
    admit_replacing,
    read_payload,
    read_session,
    refuse_while_replacing,
    sort_out,
    told,
)
from connectors.sandbox.state import AudienceState, World
from connectors.sandbox.wire import Json, Reply, Request, Server, json_reply

TOKEN = "sandbox-token"  # noqa: S105  # of a platform that exists on this machine only
FIRST_ID = 23850000000000001  # ids of real audiences are this long
PAGE = "25"

Method = Literal[
    "account", "find", "create", "read", "delete", "add", "remove", "replace", "forget", "debug"
]
_PATH = re.compile(r"(?:/v\d+\.\d+)?/(?P<node>act_\d+|\d+|debug_token)(?:/(?P<edge>[a-z_]+))?/?")


@dataclass(frozen=True, slots=True)
class _Call:
    """A request understood: what it asks of which node."""

    method: Method
    node: str
    request: Request = field(repr=False)

    @property
    def wanted(self) -> tuple[str, ...]:
        """The fields it asks for."""
        return tuple(self.request.fields.get("fields", "id").split(","))


class Graph:
    """The API itself, apart from the socket it is served on.

    Args:
        world: Where its audiences are.
        faults: What goes wrong, asked with `meta` and the method's name.
        token: The only access token it takes.
        app_secret: If given, every request must carry the proof made with it.
        lingers: A replacement whose last batch came goes on until it is ended from outside,
            or its 90 minutes are over.
        tier: Whose limits an ad account has; "" for none.
    """

    def __init__(
        self,
        world: World,
        faults: FaultQueue,
        *,
        token: str = TOKEN,
        app_secret: str = "",
        lingers: bool = False,
        tier: TierName = "",
    ) -> None:
        self._lingers = lingers
        self._limits = Limits(TIERS[tier]) if tier else None
        self._world = world
        self._faults = faults
        self._token = token
        self._app_secret = app_secret
        self._sessions = Sessions()
        self._listed: dict[str, bool] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Let delayed answers go at once."""
        self._stopped.set()

    def answer(self, request: Request) -> Reply:
        """Answer one request, or go wrong as told."""
        try:
            call = _understand(request)
        except GraphError as error:
            return _error_reply(error, _usage())
        self._world.count(call.method, rows=_row_count(request))
        payload = request.fields.get("payload", "")
        fault = self._faults.take(
            # Which rows they are Meta does not say, so one place stands for all.
            "meta",
            call.method,
            lambda digests: (0,) * any(digest in payload for digest in digests),
        )
        if fault is None or fault.kind == "refuse_rows":
            return self._serve(call, fault)
        if fault.kind == "delay":
            self._stopped.wait(fault.seconds)
            return self._serve(call, None)
        reply = self._serve(call, None) if fault.when == "after" else json_reply(200, {})
        return _spoil(reply, fault)

    def _serve(self, call: _Call, fault: Fault | None) -> Reply:
        try:
            self._admit(call.request)
            self._limit(call)
            content = self._do(call, fault)
        except GraphError as error:
            return _error_reply(error, self._usage(call))
        return json_reply(200, content, self._usage(call))

    def _limit(self, call: _Call) -> None:
        if self._limits is not None and call.method != "debug":  # which is of no account
            account, audiences = self._account(call)
            writes = call.request.method != "GET"
            self._limits.admit(account, self._world.now(), writes=writes, audiences=audiences)

    def _usage(self, call: _Call) -> dict[str, str]:
        if self._limits is None or call.method == "debug":
            return _usage()
        account, audiences = self._account(call)
        stated = self._limits.headers(account, self._world.now(), audiences=audiences)
        return {**_usage(), **stated}

    def _account(self, call: _Call) -> tuple[str, int]:
        """Whose limits a call counts to, and how many audiences that has."""
        audience = self._world.get(call.node)
        account = audience.account if audience else call.node
        return account, len(self._world.audiences(account))

    def _admit(self, request: Request) -> None:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        token = request.fields.get("access_token") or bearer
        if not hmac.compare_digest(token.encode(), self._token.encode()):
            raise GraphError(190, "Invalid OAuth access token", subcode=463, status=401)
        if self._app_secret:
            proof = hmac.new(self._app_secret.encode(), token.encode(), hashlib.sha256).hexdigest()
            if request.fields.get("appsecret_proof") != proof:
                raise GraphError(100, "Invalid appsecret_proof provided in the API argument")

    def _do(self, call: _Call, fault: Fault | None) -> Json:
        if call.method == "debug":
            known = call.request.fields.get("input_token") == self._token
            return token_node(self._world.about[TOKEN_NODE] if known else None)
        if call.node.startswith("act_"):
            return self._do_with_account(call)
        audience = self._world.get(call.node)
        if audience is None:
            raise GraphError(100, "Unsupported request", subcode=33, kind="GraphMethodException")
        if call.method == "read":
            return audience_node(audience, call.wanted, self._world.now())
        admit_account(self._world.about[audience.account], changes=True)
        if call.method == "delete":
            return {"success": self._world.delete(audience.id)}
        admit_change(audience)
        return self._change(call, audience, fault)

    def _do_with_account(self, call: _Call) -> Json:
        about = self._world.about[call.node]
        admit_account(about, changes=call.method in ("create", "forget"))
        if call.method == "account":
            return account_node(call.node, about, call.wanted)
        if call.method == "find":
            return self._list(call)
        return self._create(call) if call.method == "create" else self._forget(call)

    def _list(self, call: _Call) -> Json:
        fields = call.request.fields
        asked, cursor = fields.get("limit") or PAGE, fields.get("after") or "0"
        if not (asked.isdecimal() and cursor.isdecimal()):
            raise GraphError(100, "(#100) limit and after must be numbers")
        limit, after = int(asked), int(cursor)
        known = self._world.audiences(call.node)
        now = self._world.now()
        page = [audience_node(one, call.wanted, now) for one in known[after : after + limit]]
        end = after + len(page)
        paging: Json = {"cursors": {"before": str(after), "after": str(end)}}
        if end < len(known):
            # As Meta's: a URL that repeats the token, which no client should follow.
            paging["next"] = f"https://graph.facebook.com{call.request.path}?after={end}"
        return {"data": page, "paging": paging} if page else {"data": []}

    def _create(self, call: _Call) -> Json:
        fields, there = call.request.fields, len(self._world.audiences(call.node))
        about = making(fields, there)
        made = self._world.create(call.node, fields["name"])
        made.about.update(about)
        return {"id": made.id}

    def _forget(self, call: _Call) -> Json:
        """Take persons out of every audience of the account; it needs no session."""
        payload = read_payload(call.request.fields.get("payload"))
        admit_keys(payload, value_based=False)
        rows, invalid = sort_out(payload)
        for audience in self._world.audiences(call.node):
            audience.remove(rows)
        return {
            "num_received": len(payload.data),
            "num_invalid_entries": len(invalid),
            "invalid_entry_samples": invalid[:MAX_SAMPLES],
        }

    def _change(self, call: _Call, audience: AudienceState, fault: Fault | None) -> Json:
        fields = call.request.fields
        batch = read_session(fields.get("session"))
        payload = read_payload(fields.get("payload"))
        admit_keys(payload, value_based=bool(audience.about.get("is_value_based")))
        refused = fault.rows if fault else ()
        with self._lock:
            if self._listed.setdefault(audience.id, payload.listed) != payload.listed:
                raise GraphError(2650, "This audience was created from another data source")
            admitted = self._admit_batch(call, audience, batch, payload)
            rows, invalid = sort_out(payload, refused)
            if admitted.discarded:
                rows = []
            if call.method == "remove":
                audience.remove(rows)
            else:
                audience.add(rows, at=self._world.now())
                audience.told.update(told(payload))
            self._end(audience)
        return {
            "audience_id": audience.id,
            "session_id": str(batch.session),
            "num_received": admitted.received,
            "num_invalid_entries": len(invalid),
            "invalid_entry_samples": invalid[:MAX_SAMPLES],
        }

    def _admit_batch(
        self, call: _Call, audience: AudienceState, batch: Batch, payload: Payload
    ) -> Admitted:
        """Take a batch into its session; `/users` is closed to a replacement's audience."""
        now, count = self._world.now(), len(payload.data)
        if call.method == "replace":
            return admit_replacing(audience, batch, count, now)
        refuse_while_replacing(audience, now)
        purpose = (audience.id, call.method, payload.keys)
        return self._sessions.admit(audience.account, batch, purpose, count, now)

    def _end(self, audience: AudienceState) -> None:
        held = audience.replacement
        if held is not None and held.whole and held.state == "running" and not self._lingers:
            held.state = "done"


class MetaServer:
    """A Graph API being served.

    Attributes:
        port: Where, on 127.0.0.1.
    """

    def __init__(self, graph: Graph, port: int) -> None:
        self._graph = graph
        self._server = Server(graph.answer, port)
        self.port = self._server.port

    def stop(self) -> None:
        """Stop, and close every connection."""
        self._graph.stop()
        self._server.stop()


def serve(
    world: World,
    faults: FaultQueue,
    port: int = 0,
    *,
    token: str = TOKEN,
    app_secret: str = "",
    lingers: bool = False,
    tier: TierName = "",
) -> MetaServer:
    """Serve a Graph API on 127.0.0.1; see `Graph` for the arguments."""
    graph = Graph(world, faults, token=token, app_secret=app_secret, lingers=lingers, tier=tier)
    return MetaServer(graph, port)


def _understand(request: Request) -> _Call:
    match = _PATH.fullmatch(request.path)
    # A POST may carry the method it means, which keeps long payloads out of the URL.
    verb = request.fields.get("method", request.method).upper()
    node, edge = match.group("node", "edge") if match else ("", None)
    account = node.startswith("act_")
    known: dict[tuple[str, str | None, bool], Method] = {
        ("GET", None, True): "account",
        ("GET", "customaudiences", True): "find",
        ("POST", "customaudiences", True): "create",
        ("GET", None, False): "read",
        ("DELETE", None, False): "delete",
        ("POST", "users", False): "add",
        ("DELETE", "users", False): "remove",
        ("POST", "usersreplace", False): "replace",
        ("DELETE", "usersofanyaudience", True): "forget",
    }
    if node == TOKEN_NODE:
        known = {("GET", None, False): "debug"}
    method = known.get((verb, edge, account))
    if not match or not method:
        raise GraphError(100, "Unsupported request", subcode=33, kind="GraphMethodException")
    return _Call(method, node, request)


def _row_count(request: Request) -> int:
    try:
        return len(json.loads(request.fields.get("payload", "{}"))["data"])
    except (KeyError, TypeError, ValueError):
        return 0


def _usage() -> dict[str, str]:
    usage = {"call_count": 1, "total_cputime": 1, "total_time": 1}
    return {"x-app-usage": json.dumps(usage), "facebook-api-version": "v26.0"}


def _error_reply(error: GraphError, usage: dict[str, str]) -> Reply:
    content: Json = {
        "message": f"(#{error.code}) {error}",
        "type": error.kind,
        "code": error.code,
        "fbtrace_id": "AsandboxTrace",
    }
    if error.subcode is not None:
        content["error_subcode"] = error.subcode
    return json_reply(error.status, {"error": content}, usage)


def _spoil(reply: Reply, fault: Fault) -> Reply:
    """Give a fault the form it has over HTTP."""
    if fault.kind == "reset":
        return Reply(0, b"", fate="reset")
    if fault.kind == "half":
        return Reply(reply.status, reply.body.ljust(64), headers=reply.headers, fate="half")
    headers = dict(fault.headers)
    if fault.kind == "html":
        return Reply(fault.status, fault.body.encode(), "text/html; charset=utf-8", headers)
    if fault.kind == "malformed":
        return Reply(fault.status, fault.body.encode(), headers=headers)
    if fault.retry_after is not None:
        headers["x-business-use-case-usage"] = _regain(fault.retry_after)
    content: Json = {
        "message": "Scripted fault",
        "type": "OAuthException",
        "code": fault.code,
        "is_transient": fault.transient,
        "fbtrace_id": "AsandboxFault",
    }
    if fault.subcode is not None:
        content["error_subcode"] = fault.subcode
    return json_reply(fault.status, {"error": content}, headers)


def _regain(seconds: float) -> str:
    """The usage header with a wait, which Meta states in whole minutes."""
    usage = {
        "type": "custom_audience",
        "call_count": 100,
        "total_cputime": 20,
        "total_time": 20,
        "estimated_time_to_regain_access": math.ceil(seconds / 60),
        "ads_api_access_tier": "standard_access",
    }
    return json.dumps({"1": [usage]})
