"""uvicorn in a thread of the daemon, on a socket that is ours."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import structlog

from syncd.api.operations import Service
from syncd.api.routes import application
from syncd.api.sockets import login_of, tcp, unix
from syncd.settings import Settings, api_token

if TYPE_CHECKING:
    from starlette.types import ASGIApp
    from uvicorn import Config

GRACE = 5  # seconds for answers under way when it ends
AT_ONCE = 64  # connections; callers are programs of this machine

log = structlog.get_logger()


@contextmanager
def serving(service: Service, settings: Settings) -> Iterator[None]:
    """Answer as long as the block runs.

    Raises:
        syncd.errors.ConfigError: Its socket cannot be made, or the token is not there.
    """
    token, address = api_token(settings), settings.api.address
    listening = closing(tcp(address)) if address else unix(settings.socket)
    with listening as sock, _running(service, token, sock):
        log.info("api_listens", at=settings.api.listen or str(settings.socket))
        yield


@contextmanager
def _running(service: Service, token: str | None, sock: socket.socket) -> Iterator[None]:
    from uvicorn import Server  # noqa: PLC0415 - not for --help

    server = Server(configured(application(service, token=token), sock))
    thread = threading.Thread(target=server.run, args=([sock],), name="api", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


def configured(answers: ASGIApp, sock: socket.socket) -> Config:
    """How uvicorn is to serve on a socket: it tells its logins, and logs nothing of requests."""
    from uvicorn import Config  # noqa: PLC0415 - not for --help
    from uvicorn.protocols.http.h11_impl import H11Protocol  # noqa: PLC0415

    class Peered(H11Protocol):
        """Notes who is at the other end."""

        # As uvicorn has it, which wants the transport of a stream where asyncio says any.
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if sock.family == socket.AF_UNIX:
                login = login_of(transport.get_extra_info("socket"))
                self.app_state = {**self.app_state, "login": login}

    return Config(
        answers,
        http=Peered,
        loop="asyncio",
        lifespan="off",
        ws="none",
        log_config=None,
        log_level=logging.WARNING,
        access_log=False,  # ours leaves out what callers typed
        server_header=False,
        proxy_headers=False,
        limit_concurrency=AT_ONCE,
        timeout_graceful_shutdown=GRACE,
    )
