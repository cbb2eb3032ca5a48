"""The control port: how a person or a test tells the local platforms what to do.

JSON over HTTP, on loopback. It shows digests: these are test doubles, and nothing real
belongs in them.

* `POST /faults`: one fault or a list of them, fields as in `connectors.sandbox.faults.Fault`
* `DELETE /faults`: forget those that have not befallen anything
* `GET /faults`: what still waits
* `GET /state`: every audience of every platform, in both views
* `GET /requests`: requests served and rows received, by platform and method
* `POST /process`: let accepted work take effect now, where a platform answers later
* `POST /replacement`: let a replacement at Meta come to its end:
  `{"audience": "ID", "failed": false}`
* `POST /about`: what Meta states of an account or an audience, a field of null as usual again:
  `{"account": "act_1", "custom_audience_tos": 0}`, `{"audience": "ID", "operation_status": 471}`,
  of its token `{"account": "debug_token", "expires_at": 1800000000}`,
  fields as in `connectors.sandbox.meta_nodes`; of Google with `"platform": "google"`, fields as
  in `connectors.sandbox.google.nodes`
* `POST /world/audience`: an audience that somebody else made and filled:
  `{"platform": "meta", "account": "act_1", "name": "whales", "members": [[["email", "ab.."]]]}`
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, cast

from connectors.sandbox.faults import Fault, FaultQueue
from connectors.sandbox.google import nodes
from connectors.sandbox.meta_nodes import (
    ACCOUNT_FIELDS,
    AUDIENCE_FIELDS,
    TOKEN_FIELDS,
    TOKEN_NODE,
    tell,
)
from connectors.sandbox.state import AudienceState, Row, World
from connectors.sandbox.wire import Json, Reply, Request, Server, json_reply


class EndReplacement(Protocol):
    """Lets the replacement of an audience come to its end."""

    def __call__(self, audience_id: str, *, failed: bool = False) -> None:
        """Now."""
        ...


_ABOUT = {
    "meta": (ACCOUNT_FIELDS, AUDIENCE_FIELDS),
    "google": (nodes.ACCOUNT_FIELDS, nodes.LIST_FIELDS),
}
_FIELDS = {one.name for one in dataclasses.fields(Fault)}


class Control:
    """Answers the control port.

    Args:
        worlds: By platform.
        faults: Shared by the platforms.
        process: Lets accepted work take effect.
        end: Lets a replacement come to its end.
    """

    def __init__(
        self,
        worlds: Mapping[str, World],
        faults: FaultQueue,
        process: Callable[[], None],
        end: EndReplacement,
    ) -> None:
        self._end = end
        self._worlds = worlds
        self._faults = faults
        self._process = process

    def answer(self, request: Request) -> Reply:
        """Answer one request; a wrong one with 400 and the reason."""
        routes: Mapping[tuple[str, str], Callable[[bytes], Json]] = {
            ("POST", "/faults"): self._script,
            ("DELETE", "/faults"): self._clear,
            ("GET", "/faults"): self._waiting,
            ("GET", "/state"): self._state,
            ("GET", "/requests"): self._requests,
            ("POST", "/process"): self._finish,
            ("POST", "/replacement"): self._end_replacement,
            ("POST", "/about"): self._tell,
            ("POST", "/world/audience"): self._make,
        }
        route = routes.get((request.method, request.path))
        if route is None:
            known = ", ".join(f"{method} {path}" for method, path in routes)
            return json_reply(404, {"error": f"unknown; there is {known}"})
        try:
            return json_reply(200, route(request.body))
        except (KeyError, TypeError, ValueError) as error:
            return json_reply(400, {"error": str(error)})

    def _script(self, body: bytes) -> Json:
        given = json.loads(body)
        faults = [read_fault(one) for one in (given if isinstance(given, list) else [given])]
        self._faults.script(*faults)
        return {"waiting": len(self._faults.waiting)}

    def _clear(self, _: bytes) -> Json:
        self._faults.clear()
        return {"waiting": 0}

    def _waiting(self, _: bytes) -> Json:
        return {"faults": [dataclasses.asdict(fault) for fault in self._faults.waiting]}

    def _state(self, _: bytes) -> Json:
        return {
            platform: [_shown(audience) for audience in world.audiences()]
            for platform, world in self._worlds.items()
        }

    def _requests(self, _: bytes) -> Json:
        return {
            platform: {"requests": dict(world.requests), "rows": dict(world.rows)}
            for platform, world in self._worlds.items()
        }

    def _finish(self, _: bytes) -> Json:
        self._process()
        return {"processed": True}

    def _end_replacement(self, body: bytes) -> Json:
        given = json.loads(body)
        self._end(given["audience"], failed=bool(given.get("failed")))
        return {"ended": True}

    def _tell(self, body: bytes) -> Json:
        given = json.loads(body)
        platform = given.pop("platform", "meta")
        (of_account, of_audience), world = _ABOUT[platform], self._worlds[platform]
        if "audience" in given:
            audience = world.get(given.pop("audience"))
            if audience is None:
                raise ValueError("there is no such audience")
            about, allowed = audience.about, of_audience
        else:
            account = given.pop("account")
            allowed = TOKEN_FIELDS if account == TOKEN_NODE else of_account
            about = world.about[account]
        tell(about, given, allowed)
        return {"about": dict(about)}

    def _make(self, body: bytes) -> Json:
        given = json.loads(body)
        if given["platform"] not in self._worlds:
            raise ValueError(f"platform must be one of {', '.join(self._worlds)}")
        rows = [_row(one) for one in given.get("members", [])]
        world = self._worlds[given["platform"]]
        audience = world.create(given["account"], given["name"])
        audience.add(rows, at=world.now())
        return {"id": audience.id}


def read_fault(given: object) -> Fault:
    """Read a fault from JSON.

    Raises:
        ValueError: It is no object, has a field that there is not, or cannot mean anything.
    """
    if not isinstance(given, dict):
        raise ValueError("a fault is a JSON object")  # noqa: TRY004  # answered like all bad input
    unknown = given.keys() - _FIELDS
    if unknown:
        raise ValueError(
            f"unknown: {', '.join(sorted(unknown))}; there is {', '.join(sorted(_FIELDS))}"
        )
    fields = dict(given)
    for name in fields.keys() & {"rows", "holding"}:
        fields[name] = tuple(fields[name])
    return Fault(**fields)


def _row(given: Sequence[Sequence[str]]) -> Row:
    return frozenset((kind, text) for kind, text in given)


def _shown(audience: AudienceState) -> Json:
    persons = sorted(sorted(person) for person in audience.persons)
    return {
        "id": audience.id,
        "account": audience.account,
        "name": audience.name,
        "ever_filled": audience.ever_filled,
        "identifiers": sorted(audience.identifiers),
        "persons": cast("list[object]", persons),
    }


def serve(
    worlds: Mapping[str, World],
    faults: FaultQueue,
    process: Callable[[], None],
    end: EndReplacement,
    port: int = 0,
) -> Server:
    """Serve the control port on 127.0.0.1; see `Control` for the arguments."""
    return Server(Control(worlds, faults, process, end).answer, port)
