"""A program on this machine that asks the daemon, with whatever headers it likes."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from syncd.api.sockets import reachable
from tests.integration.commands import Desk, wait_until

JSON = {"Content-Type": "application/json"}
TOKEN = "correct-horse"
SHOWN = {"Authorization": f"Bearer {TOKEN}"}


@dataclass(frozen=True)
class Said:
    """What was answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Caller:
    """Asks at a socket, or at a port of this machine."""

    at: Path | int

    def __call__(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Said:
        """One request on a connection of its own; JSON unless the headers say otherwise.

        A header that is "" is left out, `Host` too.
        """
        line = HTTPConnection("localhost", self.at if isinstance(self.at, int) else 80, timeout=60)
        if isinstance(self.at, Path):
            line.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            with reachable(self.at) as address:
                line.sock.connect(address)
        given = {**(JSON if body is not None else {}), "Host": "localhost", **(headers or {})}
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        try:
            line.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in given.items():
                if value:
                    line.putheader(name, value)
            if body is not None and "Content-Length" not in given:
                line.putheader("Content-Length", str(len(sent)))
            line.endheaders(sent if body is not None else None)
            answer = line.getresponse()
            return Said(answer.status, dict(answer.headers.items()), answer.read())
        finally:
            line.close()

    def ended(self, run: str) -> Any:
        """Wait until a run has ended; what is said of it then."""
        wait_until(lambda: bool(self("GET", f"/v1/runs/{run}").json["state"] == "ended"))
        return self("GET", f"/v1/runs/{run}").json


def caller(desk: Desk) -> Caller:
    """Asks at the socket where a desk's daemon listens by default."""
    return Caller(desk.var / "run.sock")


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as found:
        return int(found.getsockname()[1])


def listening(desk: Desk) -> Caller:
    """Let a desk's daemon listen on a port, with a token."""
    port = free_port()
    token = desk.config.parent / "api_token"
    token.write_text(f"{TOKEN}\n", "utf-8")
    token.chmod(0o600)
    desk.settings["api"] = {"listen": f"127.0.0.1:{port}", "token": {"file": "api_token"}}
    desk.save()
    return Caller(port)
