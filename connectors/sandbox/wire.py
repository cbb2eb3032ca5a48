"""A small HTTP server on loopback, for local platforms that speak HTTP."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import parse_qs, urlsplit

LOOPBACK = "127.0.0.1"
Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came.

    Attributes:
        path: Without the query.
        fields: The query's fields, overlaid by the form's; of a repeated one, the last.
        headers: By lower-case name.
    """

    method: str
    path: str
    fields: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back.

    Attributes:
        fate: `whole`; `half` breaks off within the body; `reset` sends nothing at all.
    """

    status: int
    body: bytes
    content_type: str = "application/json; charset=UTF-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    fate: Literal["whole", "half", "reset"] = "whole"


def json_reply(status: int, content: object, headers: Mapping[str, str] | None = None) -> Reply:
    """An answer in JSON."""
    return Reply(status, json.dumps(content).encode(), headers=headers or {})


class Server:
    """A running server; every answer comes from `answer`, in a thread of its connection.

    Attributes:
        port: Where it listens, on 127.0.0.1.
    """

    def __init__(self, answer: Callable[[Request], Reply], port: int = 0) -> None:
        self._listener = _Listener(answer, port)
        self.port: int = self._listener.server_address[1]
        self._thread = threading.Thread(
            target=self._listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop listening and close every connection; a second call does nothing."""
        self._listener.shutdown()
        self._thread.join()
        self._listener.server_close()
        self._listener.hang_up()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, answer: Callable[[Request], Reply], port: int) -> None:
        self.answer = answer
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        super().__init__((LOOPBACK, port), _Handler)

    def get_request(self) -> tuple[socket.socket, object]:
        """Remember the connection, so that `stop` can end a kept-alive one."""
        connection, address = super().get_request()
        with self._lock:
            self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        """Forget it again."""
        if isinstance(request, socket.socket):
            with self._lock:
                self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """Close what is still open; its handler thread then ends."""
        with self._lock:
            waiting = list(self._open)
        for connection in waiting:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:  # the other side was faster
                continue

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hung up is no event here; anything else is a bug and is shown."""
        import sys  # noqa: PLC0415  # only ever needed here

        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # handed through


class _Handler(BaseHTTPRequestHandler):
    server: _Listener
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # an answer is two writes; the second must not wait

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        parts = urlsplit(self.path)
        form = self.headers.get_content_type() == "application/x-www-form-urlencoded"
        fields = _fields(parts.query) | (_fields(body.decode()) if form else {})
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._send(self.server.answer(Request(self.command, parts.path, fields, headers, body)))

    do_GET = do_POST = do_DELETE = _serve  # noqa: N815  # the names that http.server looks for

    def _send(self, reply: Reply) -> None:
        if reply.fate == "reset":
            # Linger 0 makes the close a reset, as a dying load balancer's.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
            return
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if reply.fate == "half":
            self.wfile.write(reply.body[: len(reply.body) // 2])
            self.close_connection = True
            return
        self.wfile.write(reply.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's name
        """Nothing: a request line may hold a token."""


def _fields(text: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(text, keep_blank_values=True).items()}
