"""An end to every exchange.

The SDK hands `requests` a timeout that begins anew with each byte of an answer: one that
drips in could hold a run for hours. So the line is hung up from outside when the time is
over, and the request counts as unanswered. Imported only to connect: `requests` comes
with the SDK.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

Sockets = WeakSet[socket.socket]


class Line(HTTPAdapter):
    """Connections to Meta that can be hung up from another thread."""

    def __init__(self) -> None:
        self._open: Sockets = WeakSet()
        super().__init__()

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Hang up if the block takes longer; whoever reads then sees the connection end."""
        timer = threading.Timer(seconds, self._hang_up)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:  # noqa: ANN401  # handed through
        """As the adapter's own, but it knows its connections."""
        super().init_poolmanager(*args, **options)
        self._know(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:  # noqa: ANN401  # as above
        """Likewise, where a proxy stands between."""
        manager = super().proxy_manager_for(proxy, **options)
        self._know(manager)
        return manager

    def _know(self, manager: PoolManager) -> None:
        opened = self._open

        class Plain(HTTPConnection):
            def connect(self) -> None:
                super().connect()
                opened.add(self.sock)

        class Encrypted(HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                opened.add(self.sock)

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class EncryptedPool(HTTPSConnectionPool):
            ConnectionCls = Encrypted

        manager.pool_classes_by_scheme = {"http": PlainPool, "https": EncryptedPool}

    def _hang_up(self) -> None:
        for line in tuple(self._open):
            with contextlib.suppress(OSError):
                # The plain socket's: TLS would say goodbye and wait for an answer to it.
                socket.socket.shutdown(line, socket.SHUT_RDWR)
