"""A TCP relay before the gRPC server, so that a connection can really be cut.

From inside a gRPC handler a call can be aborted, but not its connection reset, which is
what a network does. The relay knows each connection by the port it dials the server
from; a handler sees that port as its peer.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from functools import partial

_CHUNK = 1 << 16

# HTTP/2: length 8, type GOAWAY, no flags, stream 0; last stream 2^31-1, NO_ERROR. It says
# "send nothing new here" and takes nothing back of what was sent.
_GOAWAY = bytes.fromhex("000008 07 00 00000000 7fffffff 00000000")
_NOTICED = 0.05


class Relay:
    """Copies bytes between clients on `port` and a server on loopback."""

    def __init__(self, port: int, upstream: int) -> None:
        self._upstream = upstream
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._pairs: dict[int, tuple[socket.socket, socket.socket]] = {}
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        _spawn(self._accept)

    def reset(self, dialled_from: int) -> None:
        """Cut one connection with a RST.

        A GOAWAY goes before. Otherwise gRPC may put the client's next call on the dead
        connection, for a moment after it reported the reset (1 in 100 here), and a test
        that scripted one lost call would see two.

        Args:
            dialled_from: The port that the server sees as its peer's.
        """
        with self._lock:
            pair = self._pairs.get(dialled_from)
        if pair is not None:
            with contextlib.suppress(OSError):
                pair[0].sendall(_GOAWAY)
            self._stopped.wait(_NOTICED)
        self._drop(dialled_from)

    def _drop(self, dialled_from: int) -> None:
        with self._lock:
            pair = self._pairs.pop(dialled_from, None)
        if pair is not None:
            _cut(*pair)

    def stop(self) -> None:
        """Take no more connections and cut those there are."""
        self._stopped.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            pairs = tuple(self._pairs.values())
            self._pairs.clear()
        for pair in pairs:
            _cut(*pair)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._upstream))
            except OSError:
                client.close()
                continue
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            number = server.getsockname()[1]
            with self._lock:
                self._pairs[number] = (client, server)
            for source, sink in ((client, server), (server, client)):
                _spawn(partial(self._copy, number, source, sink))

    def _copy(self, number: int, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(_CHUNK):
                sink.sendall(chunk)
        self._drop(number)


def _cut(client: socket.socket, server: socket.socket) -> None:
    with contextlib.suppress(OSError):
        # With no time to linger, close sends RST in place of FIN.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    for end in (client, server):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RD)  # wakes the thread that reads from it
        end.close()


def _spawn(target: Callable[[], None]) -> None:
    threading.Thread(target=target, name="sandbox-relay", daemon=True).start()
