"""A TCP proxy that does to one exchange what networks and proxies do, when it is told to.

It stands before a local platform, on loopback, and understands just enough of HTTP/1.1
and of HTTP/2's frames to know where a request ends and where its answer begins. `arm`
chooses what befalls the next request, or the next one that holds some text; all others pass.
Each connection to it has one request at a time, of at most what fits into HTTP/2's first window.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self

Fate = Literal["reset_before", "reset_after", "half", "slow", "replace_before", "replace_after"]
Protocol = Literal["http/1.1", "h2"]

LOOPBACK = "127.0.0.1"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RESET, _CONTINUATION = 0x0, 0x1, 0x3, 0x9
_END_STREAM = 0x1
_CHUNK = 1 << 16


@dataclass(frozen=True)
class Spell:
    """What befalls one exchange.

    Fates: `reset_before` and `reset_after` cut the connection, before the platform has
    seen the request or after it has answered; `half` closes it within the answer; `slow`
    lets the answer come a byte at a time, each after `seconds`; `replace_before` and
    `replace_after` answer `answer` in the platform's place (HTTP/1.1 only).
    """

    fate: Fate
    seconds: float = 0.0
    answer: bytes = b""


@dataclass
class _Pair:
    """A client's connection and ours to the platform."""

    client: socket.socket
    server: socket.socket

    def cut(self) -> None:
        """End both; the client sees a reset."""
        with contextlib.suppress(OSError):
            # With no time to linger, close sends RST in place of FIN.
            self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RD)  # wakes the thread that reads from it
            with contextlib.suppress(OSError):
                end.close()


@dataclass
class Proxy:
    """A running proxy; a context manager that ends it.

    Attributes:
        upstream: The platform's port.
        port: Where it listens, on 127.0.0.1.
        befallen: How many exchanges it has bent.
    """

    upstream: int
    protocol: Protocol
    port: int = field(init=False)
    befallen: int = 0

    def __enter__(self) -> Self:
        self._lock = threading.Lock()
        self._armed: dict[bytes, Spell] = {}
        self._stopped = threading.Event()
        self._pairs: list[_Pair] = []
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port = self._listener.getsockname()[1]
        _spawn(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            pairs = tuple(self._pairs)
        for pair in pairs:
            pair.cut()

    def arm(self, spell: Spell, holding: bytes = b"") -> None:
        """Let this befall the next request that holds this; by default the next one."""
        with self._lock:
            self._armed[holding] = spell

    def disarm(self, holding: bytes = b"") -> None:
        """Let nothing befall it after all."""
        with self._lock:
            self._armed.pop(holding, None)

    def _take(self, request: bytes) -> Spell | None:
        with self._lock:
            held = next((one for one in self._armed if one in request), None)
            if held is None:
                return None
            self.befallen += 1
            return self._armed.pop(held)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection((LOOPBACK, self.upstream))
            except OSError:
                client.close()
                continue
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair = _Pair(client, server)
            with self._lock:
                self._pairs.append(pair)
            link = _Http(pair, self) if self.protocol == "http/1.1" else _Frames(pair, self)
            link.begin()

    def drip(
        self, client: socket.socket, data: bytes, seconds: float, enough: Callable[[], bool]
    ) -> None:
        """Send a byte at a time; the rest at once when the client has had enough of it."""
        for position in range(len(data)):
            self._stopped.wait(seconds)
            if enough() or self._stopped.is_set():
                client.sendall(data[position:])
                return
            client.sendall(data[position : position + 1])


@dataclass
class _Http:
    """HTTP/1.1: a request, then its answer, over and over."""

    pair: _Pair
    proxy: Proxy

    def begin(self) -> None:
        _spawn(self._serve)

    def _serve(self) -> None:
        try:
            while (request := _message(self.pair.client)) is not None:
                if not self._exchange(request, self.proxy._take(request)):
                    return
        except OSError:
            pass
        finally:
            self.pair.close()

    def _exchange(self, request: bytes, spell: Spell | None) -> bool:
        """One exchange; whether the connection lives on."""
        client, server = self.pair.client, self.pair.server
        if spell is not None and spell.fate == "reset_before":
            self.pair.cut()
            return False
        if spell is not None and spell.fate == "replace_before":
            client.sendall(spell.answer)
            return True
        server.sendall(request)
        answer = _message(server)
        if answer is None:
            return False
        match spell.fate if spell else None:
            case "reset_after":
                self.pair.cut()
            case "half":
                client.sendall(answer[: len(answer) - _body_length(answer) // 2 - 1])
            case "slow":
                assert spell is not None
                self.proxy.drip(client, answer, spell.seconds, lambda: False)
            case "replace_after":
                assert spell is not None
                client.sendall(spell.answer)
                return True
            case _:
                client.sendall(answer)
                return True
        return False


def _message(source: socket.socket) -> bytes | None:
    """One whole message with a stated length, or None at the end."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = source.recv(_CHUNK)
        if not chunk:
            return None
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    while len(body) < _stated(head):
        chunk = source.recv(_CHUNK)
        if not chunk:
            return None
        body += chunk
    return head + b"\r\n\r\n" + body


def _stated(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0


def _body_length(message: bytes) -> int:
    return len(message.partition(b"\r\n\r\n")[2])


@dataclass
class _Frames:
    """HTTP/2: the frames of a request are held until it is whole, then its fate is drawn."""

    pair: _Pair
    proxy: Proxy
    fates: dict[int, Spell] = field(default_factory=dict)
    given_up: set[int] = field(default_factory=set)

    def begin(self) -> None:
        _spawn(self._requests)
        _spawn(self._answers)

    def _requests(self) -> None:
        held: dict[int, bytes] = {}
        try:
            preface = _exactly(self.pair.client, len(PREFACE))
            self.pair.server.sendall(preface)
            while True:
                frame, kind, flags, stream = _frame(self.pair.client)
                if kind == _RESET:
                    self.given_up.add(stream)
                if kind not in (_DATA, _HEADERS, _CONTINUATION):
                    self.pair.server.sendall(frame)
                    continue
                held[stream] = held.get(stream, b"") + frame
                if (
                    kind != _CONTINUATION
                    and flags & _END_STREAM
                    and not self._forward(stream, held.pop(stream))
                ):
                    return
        except OSError:
            self.pair.close()

    def _forward(self, stream: int, request: bytes) -> bool:
        spell = self.proxy._take(request)
        if spell is not None and spell.fate == "reset_before":
            self.pair.cut()
            return False
        if spell is not None:
            self.fates[stream] = spell
        self.pair.server.sendall(request)
        return True

    def _answers(self) -> None:
        try:
            while True:
                frame, kind, _, stream = _frame(self.pair.server)
                spell = self.fates.get(stream) if kind in (_DATA, _HEADERS) else None
                if spell is None:
                    self.pair.client.sendall(frame)
                elif not self._bend(frame, kind, stream, spell):
                    return
        except OSError:
            self.pair.close()

    def _bend(self, frame: bytes, kind: int, stream: int, spell: Spell) -> bool:
        """The first frames of a doomed answer; whether the connection lives on."""
        client = self.pair.client
        if spell.fate == "reset_after":
            self.pair.cut()
            return False
        if spell.fate == "half":
            if kind == _HEADERS:
                client.sendall(frame)
                return True
            client.sendall(frame[: len(frame) // 2])
            self.pair.close()
            return False
        # To leave a frame out would put both ends' header tables out of step.
        self.proxy.drip(client, frame, spell.seconds, lambda: stream in self.given_up)
        return True


def _frame(source: socket.socket) -> tuple[bytes, int, int, int]:
    """One frame: all of it, its type, its flags, its stream."""
    head = _exactly(source, 9)
    length = int.from_bytes(head[:3], "big")
    stream = int.from_bytes(head[5:9], "big") & 0x7FFFFFFF
    return head + _exactly(source, length), head[3], head[4], stream


def _exactly(source: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        chunk = source.recv(size - len(data))
        if not chunk:
            raise ConnectionResetError
        data += chunk
    return data


def page(status: int, reason: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """An answer in HTTP/1.1, whole."""
    given = {"Content-Length": str(len(body)), **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"HTTP/1.1 {status} {reason}\r\n{lines}\r\n".encode() + body


def _spawn(target: Callable[[], None]) -> None:
    threading.Thread(target=target, name="fault-proxy", daemon=True).start()
