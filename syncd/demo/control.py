"""The local platforms' control port, as the demo uses it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import urlsplit

from syncd.demo.expect import Identifier
from syncd.errors import SyncdError

_TIMEOUT = 30.0
_CHANGING = ("add", "remove")


@dataclass(frozen=True, slots=True)
class Traffic:
    """What a platform was sent since it started.

    Attributes:
        removed, added: Rows of removal and of addition requests.
        changing: Requests that carried them.
        asking: All other requests.
    """

    removed: int
    added: int
    changing: int
    asking: int

    def since(self, before: Traffic) -> Traffic:
        """What came after `before` was taken."""
        return Traffic(
            self.removed - before.removed,
            self.added - before.added,
            self.changing - before.changing,
            self.asking - before.asking,
        )


@dataclass(frozen=True, slots=True)
class Held:
    """What one audience holds, in both views."""

    identifiers: frozenset[Identifier]
    persons: tuple[frozenset[Identifier], ...]


@dataclass(frozen=True, slots=True)
class Control:
    """The control port at `endpoint`, `http://127.0.0.1:PORT`."""

    endpoint: str

    def script(self, *faults: Mapping[str, object]) -> None:
        """Say what goes wrong next."""
        self._ask("POST", "/faults", list(faults))

    def heal(self) -> None:
        """Forget what was scripted."""
        self._ask("DELETE", "/faults")

    def traffic(self, platform: str) -> Traffic:
        """Requests and rows so far."""
        found = _object(_object(self._ask("GET", "/requests"))[platform])
        requests, rows = _counts(found["requests"]), _counts(found["rows"])
        changing = sum(requests.get(name, 0) for name in _CHANGING)
        return Traffic(
            removed=rows.get("remove", 0),
            added=rows.get("add", 0),
            changing=changing,
            asking=sum(requests.values()) - changing,
        )

    def audiences(self) -> dict[tuple[str, str], Held]:
        """What every audience holds, by platform and the audience's id there."""
        return {
            (platform, str(one["id"])): _held(one)
            for platform, audiences in _object(self._ask("GET", "/state")).items()
            for one in _objects(audiences)
        }

    def _ask(self, method: str, path: str, content: object = None) -> object:
        place = urlsplit(self.endpoint)
        connection = http.client.HTTPConnection(
            str(place.hostname), place.port or 80, timeout=_TIMEOUT
        )
        with closing(connection):
            body = None if content is None else json.dumps(content)
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
        if answer.status != http.client.OK:
            raise SyncdError(f"the local platforms' control port answered {answer.status}")
        read: object = json.loads(text)
        return read


def _held(audience: Mapping[str, object]) -> Held:
    return Held(
        identifiers=frozenset(_identifiers(audience["identifiers"])),
        persons=tuple(frozenset(_identifiers(one)) for one in _list(audience["persons"])),
    )


def _identifiers(value: object) -> list[Identifier]:
    pairs = (_list(one) for one in _list(value))
    return [(str(kind), str(text)) for kind, text in pairs]


def _counts(value: object) -> dict[str, int]:
    return {name: count for name, count in _object(value).items() if isinstance(count, int)}


def _objects(value: object) -> list[dict[str, object]]:
    return [_object(one) for one in _list(value)]


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise SyncdError("the local platforms' control port answered in another form")
    return value


def _list(value: object) -> Sequence[object]:
    if not isinstance(value, list):
        raise SyncdError("the local platforms' control port answered in another form")
    return value
