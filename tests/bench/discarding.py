"""Platforms that keep nobody, for `tests.bench.pipeline`: `python -m tests.bench.discarding`.

They answer as the sandbox's do, whose audiences and accounts they are, but look at no row: of a
request to Meta they count where one row ends and the next begins, of one to Google nothing. So
what a sync costs is measured, and not what a platform does with it. Prints its ports as JSON and
runs until its standard input ends; `GET /counts` says what came, in requests and Meta's rows.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import grpc
from google.ads.datamanager_v1 import types

from connectors.sandbox.faults import FaultQueue
from connectors.sandbox.google.server import GoogleServer
from connectors.sandbox.google.work import Backlog, Method, Request
from connectors.sandbox.meta import FIRST_ID, Graph
from connectors.sandbox.state import World
from connectors.sandbox.wire import Json
from connectors.sandbox.wire import Request as Asked

ROOT = Path(__file__).parents[2]
NEXT_ROW = b"%22%5D%2C%5B%22"
SOMEBODY = frozenset({("email", "somebody")})  # what was ever filled is no empty audience


class Meta(ThreadingHTTPServer):
    """Its Graph API. Rows are counted by session, as its answers state them."""

    daemon_threads = True

    def __init__(self, counts: Counter[str]) -> None:
        self.world = World(first_id=FIRST_ID)
        self.graph = Graph(self.world, FaultQueue())
        self.counts = counts
        self._received: Counter[int] = Counter()
        super().__init__(("127.0.0.1", 0), _Handler)

    def take(self, audience_id: str, body: bytes) -> Json:
        """Count a batch's rows and forget them."""
        form = parse_qs(body[body.rindex(b"&session=") + 1 :].decode())
        session, rows = json.loads(form["session"][0])["session_id"], body.count(NEXT_ROW) + 1
        self._received[session] += rows
        kind = "remove" if form.get("method") == ["DELETE"] else "add"
        self.counts.update({kind: 1, f"{kind}_rows": rows})
        audience = self.world.get(audience_id)
        if audience is not None and not audience.ever_filled:
            audience.add([SOMEBODY])
        return {
            "audience_id": audience_id,
            "num_received": self._received[session],
            "num_invalid_entries": 0,
        }


class _Handler(BaseHTTPRequestHandler):
    server: Meta
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/counts":
            self._send(200, json.dumps(self.server.counts).encode())
        else:
            self._as_the_sandbox(parts.query, b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        *_, node, edge = self.path.split("/")
        if edge == "users":
            self._send(200, json.dumps(self.server.take(node, body)).encode())
        else:
            self._as_the_sandbox(body.decode(), body)

    def _as_the_sandbox(self, form: str, body: bytes) -> None:
        fields = {name: values[-1] for name, values in parse_qs(form).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        path = urlsplit(self.path).path
        reply = self.server.graph.answer(Asked(self.command, path, fields, headers, body))
        self._send(reply.status, reply.body)

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's name
        """Nothing."""


class Google(GoogleServer):
    """Its Data Manager API; a request is done as soon as it is answered."""

    def __init__(self, counts: Counter[str]) -> None:
        self._counts = counts
        self._ids = itertools.count(1)
        world, faults = World(), FaultQueue()
        backlog = Backlog(world, faults, 0.0, Random(0))
        super().__init__(world, faults, backlog, port=0, largest_page=1_000, accounts=None)

    def _handlers(self) -> tuple[grpc.GenericRpcHandler, ...]:
        taking = {
            "IngestAudienceMembers": self._taking("add", types.IngestAudienceMembersResponse),
            "RemoveAudienceMembers": self._taking("remove", types.RemoveAudienceMembersResponse),
        }
        service = "google.ads.datamanager.v1.IngestionService"
        return grpc.method_handlers_generic_handler(service, taking), *super()._handlers()

    def _taking(self, kind: Method, answer: Any) -> grpc.RpcMethodHandler:
        def take(request: bytes, context: grpc.ServicerContext) -> bytes:  # noqa: ARG001  # gRPC's
            self._counts[kind] += 1
            told = f"request-{next(self._ids)}"
            self.backlog.take(Request(told, kind, (), datetime.now(UTC), {}, {}, 0, 0))
            return bytes(answer.serialize(answer(request_id=told)))

        return grpc.unary_unary_rpc_method_handler(take)


@dataclass(frozen=True)
class Platforms:
    """Both, in a process of their own."""

    meta: str
    google: str

    def counts(self) -> Counter[str]:
        """What came so far."""
        with urlopen(f"{self.meta}/counts") as answer:
            return Counter(json.load(answer))


@contextmanager
def discarding() -> Iterator[Platforms]:
    """Start them, and end them."""
    command = [sys.executable, "-m", "tests.bench.discarding"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        ports: Mapping[str, int] = json.loads(process.stdout.readline())
        try:
            yield Platforms(f"http://127.0.0.1:{ports['meta']}", f"127.0.0.1:{ports['google']}")
        finally:
            process.stdin.close()


def main() -> None:
    """Serve until nobody listens any more."""
    counts: Counter[str] = Counter()
    meta, google = Meta(counts), Google(counts)
    threading.Thread(target=meta.serve_forever, daemon=True).start()
    print(json.dumps({"meta": meta.server_address[1], "google": google.port}), flush=True)
    sys.stdin.read()
    google.stop()


if __name__ == "__main__":
    main()
