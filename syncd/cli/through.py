"""Commands through the daemon that holds the lock: it runs what they ask for."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING

from syncd.errors import Busy, ConfigError, PlanRefused, SyncdError, UsageError
from syncd.ledger.lock import holder
from syncd.service.turn import SCHEDULE
from syncd.settings import Settings, api_token, load

if TYPE_CHECKING:
    from pydantic import BaseModel

    from syncd.api.shapes import RunAnswer
    from syncd.leaving.retiring import Retired
    from syncd.model import Plan
    from syncd.sync import Result, Wish

TIMEOUT = 60.0  # seconds for one answer: the ledger may be locked for a while
PAUSES = (0.1, 1.0)  # seconds between two questions: the first, and the longest
_CODES = {
    HTTPStatus.NOT_FOUND: UsageError.exit_code,
    HTTPStatus.UNPROCESSABLE_ENTITY: UsageError.exit_code,
    HTTPStatus.CONFLICT: Busy.exit_code,
    HTTPStatus.SERVICE_UNAVAILABLE: Busy.exit_code,
    HTTPStatus.UNAUTHORIZED: ConfigError.exit_code,
}


class Relayed(SyncdError):
    """What the daemon said went wrong, with the exit code that it named."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class _Line(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=TIMEOUT)
        self._path = path

    def connect(self) -> None:
        """Open the socket."""
        from syncd.api.sockets import reachable  # noqa: PLC0415

        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT)
        with reachable(self._path) as address:
            self.sock.connect(address)


class Door:
    """The API of the daemon that runs on a configuration's ledger."""

    def __init__(
        self, settings: Settings, wish: Wish, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.settings = settings
        self._wish = wish
        self._sleep = sleep
        token = api_token(settings)
        self._headers = {"Content-Type": "application/json"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token.strip()}"

    def opens(self) -> bool:
        """Whether somebody answers there."""
        try:
            self._asked("GET", "/healthz")
        except (OSError, HTTPException):
            return False
        return True

    def run(self, sync: str) -> Result:
        """Ask for a run, and stay until it has ended.

        Raises:
            Relayed: It failed, is held, or could not begin.
        """
        from syncd.api.shapes import RunWanted  # noqa: PLC0415 - not for who has the lock

        wish = self._wish
        wanted = RunWanted(
            sync=sync,
            plan=wish.plan,
            full=wish.full,
            adopt=wish.adopt,
            wait=wish.wait,
            replace=wish.replace,
        )
        found = self._ended(self._ask("POST", "/v1/runs", wanted))
        if found.result is None:
            raise _relayed(found)
        return found.result

    def show(self, sync: str) -> tuple[Plan, bool]:
        """Ask for a plan, and stay until it is drawn; see `sync.show`.

        Raises:
            Relayed: It could not be drawn.
        """
        from syncd.api.shapes import PlanWanted  # noqa: PLC0415

        found = self._ended(self._ask("POST", "/v1/plans", PlanWanted(sync=sync)))
        if found.plan is None:
            raise _relayed(found)
        return found.plan, found.kept

    def empty(self, audience: str) -> Retired:
        """Ask to empty an audience for good, or to carry on; see `retiring.retire`.

        Raises:
            Relayed: Something is still to be done; the next call does it.
        """
        from syncd.api.shapes import RetirementWanted  # noqa: PLC0415

        wanted = RetirementWanted(audience=audience)
        found = self._ended(self._ask("POST", "/v1/retirements", wanted))
        if found.retired is None:
            raise _relayed(found)
        return found.retired

    def _ended(self, found: RunAnswer) -> RunAnswer:
        pause, longest = PAUSES
        while found.state != "ended":
            self._sleep(pause)
            pause = min(longest, pause * 1.5)
            found = self._ask("GET", f"/v1/runs/{found.id}")
        return found

    def _ask(self, method: str, path: str, body: BaseModel | None = None) -> RunAnswer:
        from syncd.api.shapes import Problem, RunAnswer  # noqa: PLC0415

        try:
            status, answer = self._asked(method, path, body)
        except (OSError, HTTPException):
            raise Relayed(
                "the daemon went away meanwhile; what it sent is kept, and its next start carries "
                "on: `syncd runs` tells",
                Busy.exit_code,
            ) from None
        if status < HTTPStatus.BAD_REQUEST:
            return RunAnswer.model_validate_json(answer)
        said = Problem.model_validate_json(answer).detail
        raise Relayed(said, _CODES.get(HTTPStatus(status), PlanRefused.exit_code))

    def _asked(self, method: str, path: str, body: BaseModel | None = None) -> tuple[int, bytes]:
        address = self.settings.api.address
        line = HTTPConnection(*address, timeout=TIMEOUT) if address else _Line(self.settings.socket)
        try:
            sent = None if body is None else body.model_dump_json().encode()
            line.request(method, path, sent, self._headers)
            answer = line.getresponse()
            return answer.status, answer.read()
        finally:
            line.close()


def _relayed(found: RunAnswer) -> Relayed:
    code = SyncdError.exit_code if found.exit_code is None else found.exit_code
    return Relayed(found.error, code)


def door(config: Path | None, wish: Wish) -> Door | None:
    """The way to the daemon, for a command that found the lock taken.

    Returns:
        None where somebody else holds it, the daemon does not answer, or a timer's wish would
        come beside its schedule.
    """
    settings = load(config)
    first = holder(settings.ledger.directory)
    if first is None or first.name != "daemon" or wish.actor == SCHEDULE:
        return None
    found = Door(settings, wish)
    return found if found.opens() else None
