"""A receiver of alerts on loopback: a real HTTP server that answers as a test says."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson


@dataclass(frozen=True)
class Heard:
    """One request that came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(self.body)
        return found


@dataclass
class Receiver:
    """What came, and what is answered.

    Attributes:
        answers: The statuses of the next answers; 200 once they are used up.
        location: Where an answer of 3xx points to.
        before: Called with each request that came, ahead of its answer.
    """

    server: ThreadingHTTPServer
    heard: list[Heard] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    location: str = ""
    before: Callable[[Heard], None] = lambda _: None

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def told(self) -> list[tuple[str, str, str]]:
        """Turn, subject and condition of each webhook that came."""
        found = [one.json for one in self.heard]
        return [(one["turn"], one["subject"], one["condition"]) for one in found]


def killing(process: Callable[[], int]) -> Callable[[Heard], None]:
    """Kill whoever has just sent something, before it learns that it came."""

    def kill(_: Heard) -> None:
        os.kill(process(), signal.SIGKILL)

    return kill


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver, for a test."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            heard = Heard(self.path, dict(self.headers), self.rfile.read(length))
            receiver.heard.append(heard)
            receiver.before(heard)
            self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
            if receiver.location:
                self.send_header("Location", receiver.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST  # noqa: N815 - the library's name

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """Who was killed does not read its answer."""

    server = Server(("127.0.0.1", 0), Handler)
    receiver = Receiver(server)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
