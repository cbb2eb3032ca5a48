"""What can be asked for: each operation with its words, its shapes and what answers it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from syncd import metrics
from syncd.api.orders import Order
from syncd.api.problems import Refusal
from syncd.api.shapes import (
    ID,
    Answer,
    HealthAnswer,
    PlanWanted,
    RetirementWanted,
    RunAnswer,
    RunsAnswer,
    RunsWanted,
    RunWanted,
    SyncAnswer,
    SyncsAnswer,
)
from syncd.app import App
from syncd.errors import SyncdError
from syncd.model import Run, RunState
from syncd.runs.planning import held_plan
from syncd.schedule import written
from syncd.sync import Wish

SHOWN = 20  # runs that are looked through for a plan that is held
Shape = TypeVar("Shape", bound=BaseModel)


class Service(Protocol):
    """The daemon, as the API needs it; safe between threads."""

    @property
    def app(self) -> App:
        """The configuration that runs begin with now."""
        ...

    def ask(self, sync: str, wish: Wish) -> Order:
        """Queue a run on its account's thread.

        Raises:
            syncd.errors.UsageError: There is no such sync.
            syncd.errors.Busy: It runs already, or waits.
            syncd.errors.Stopped: The daemon is about to end.
        """
        ...

    def ask_plan(self, sync: str, wish: Wish) -> Order:
        """Queue the drawing of a plan there, which sends nothing; raises as `ask` does."""
        ...

    def ask_to_empty(self, audience: str, wish: Wish) -> Order:
        """Queue a visit to an audience that is emptied for good, on its account's thread.

        Raises:
            syncd.errors.UsageError: There is none, or a configured sync fills it.
            syncd.errors.Busy: One is queued already.
            syncd.errors.Stopped: The daemon is about to end.
        """
        ...

    def order(self, name: str) -> Order | None:
        """What was asked for under this id, or became this run."""
        ...

    def under_way(self) -> frozenset[str]:
        """The syncs that run, or wait for their account."""
        ...

    def turns(self) -> bool:
        """Whether its loop gets on."""
        ...

    def hung(self) -> int:
        """How many runs nothing is heard of, longer than anything they do may last."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """One request, past the doors.

    Attributes:
        actor: `api`, or the login at the other end of the socket.
        path: Values of the path's parts in braces.
    """

    actor: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What an operation answers: an answer, or a text."""

    content: Answer | bytes
    status: HTTPStatus = HTTPStatus.OK


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be asked for.

    Attributes:
        name: For the document, and the log.
        says: What it does, in a line.
        answers: The shape of each status that is no problem; None for a text.
        problems: Those of its own, beside those that the doors have for all.
        body: The shape of what is sent, if anything is.
        query: The shape of what may stand behind the question mark, if anything may.
    """

    method: str
    path: str
    name: str
    says: str
    does: Callable[[Service, Call], Reply]
    answers: Mapping[HTTPStatus, type[Answer] | None]
    problems: tuple[HTTPStatus, ...] = ()
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None


def ask(service: Service, call: Call) -> Reply:
    """Queue a run."""
    wanted = _of_json(RunWanted, call.body)
    wish = Wish(
        call.actor,
        wanted.plan,
        adopt=wanted.adopt,
        wait=wanted.wait,
        full=wanted.full,
        replace=wanted.replace,
    )
    return Reply(_of_order(service, service.ask(wanted.sync, wish)), HTTPStatus.ACCEPTED)


def plan(service: Service, call: Call) -> Reply:
    """Queue the drawing of a plan."""
    wanted = _of_json(PlanWanted, call.body)
    order = service.ask_plan(wanted.sync, Wish(call.actor))
    return Reply(_of_order(service, order), HTTPStatus.ACCEPTED)


def empty(service: Service, call: Call) -> Reply:
    """Queue a visit to an audience that is emptied for good."""
    wanted = _of_json(RetirementWanted, call.body)
    order = service.ask_to_empty(wanted.audience, Wish(call.actor))
    return Reply(_of_order(service, order), HTTPStatus.ACCEPTED)


def run(service: Service, call: Call) -> Reply:
    """One run, by the id of what was asked for or by its own."""
    name = call.path["id"]
    if re.fullmatch(ID, name):
        order = service.order(name)
        if order is not None:
            return Reply(_of_order(service, order))
        found = service.app.ledger.run(name)
        if found is not None:
            return Reply(_of_run(found))
    raise Refusal(
        HTTPStatus.NOT_FOUND,
        "there is no run of that id: what was asked of an earlier process of the daemon is not "
        "known any more, but its run is, by its own id; GET /v1/runs lists them",
    )


def runs(service: Service, call: Call) -> Reply:
    """The last runs."""
    wanted = _checked(lambda: RunsWanted.model_validate(dict(call.query)))
    return Reply(RunsAnswer(runs=service.app.ledger.runs(wanted.sync, wanted.limit)))


def syncs(service: Service, _: Call) -> Reply:
    """Every configured sync."""
    app, under_way = service.app, service.under_way()
    due, zone = app.ledger.due.every(), ZoneInfo(app.settings.shop.timezone)
    found = list[SyncAnswer]()
    for name, chosen in app.settings.syncs.items():
        recent = app.ledger.runs(name, SHOWN)
        at = due.get(name)
        found.append(
            SyncAnswer(
                name=name,
                segment=chosen.segment,
                account=chosen.account,
                audience=chosen.audience.name or chosen.audience.id or "",
                mode=chosen.mode,
                schedule=written(chosen.schedule, zone),
                due=at.at if at else None,
                under_way=name in under_way,
                # A plan that was only shown is no run to a reader of this.
                last_run=next((one for one in recent if one.state is not RunState.PLANNED), None),
                held_plan=held_plan(app.ledger, recent),
            )
        )
    return Reply(SyncsAnswer(syncs=tuple(found)))


def healthz(service: Service, _: Call) -> Reply:
    """Whether the process turns."""
    return _health([] if service.turns() else ["the daemon's loop does not get on"])


def readyz(service: Service, _: Call) -> Reply:
    """Whether it can run syncs: has the lock, reads the ledger, and nothing hangs."""
    why = list[str]()
    for check in (service.app.lock.check, service.app.ledger.due.every):
        try:
            check()
        except SyncdError as error:
            why.append(str(error))
    if hung := service.hung():
        why.append(f"{hung} of the runs under way hang")
    return _health(why)


def scrape(service: Service, _: Call) -> Reply:
    """All metrics, computed from the ledger now."""
    app = service.app
    return Reply(metrics.exposition(app.ledger, app.settings, app.clock))


_NOT_THERE = HTTPStatus.NOT_FOUND
_OUT_OF_ORDER = HTTPStatus.SERVICE_UNAVAILABLE
_OK: Mapping[HTTPStatus, type[Answer]] = {
    HTTPStatus.OK: HealthAnswer,
    HTTPStatus.SERVICE_UNAVAILABLE: HealthAnswer,
}
OPERATIONS = (
    Operation(
        *("POST", "/v1/runs", "ask", "Ask for a run of a sync; it goes the way of a scheduled one"),
        ask,
        {HTTPStatus.ACCEPTED: RunAnswer},
        (
            *(HTTPStatus.BAD_REQUEST, _NOT_THERE, HTTPStatus.CONFLICT),
            *(HTTPStatus.UNPROCESSABLE_ENTITY, _OUT_OF_ORDER),
        ),
        body=RunWanted,
    ),
    Operation(
        *("POST", "/v1/plans", "plan", "Ask what a sync would add and remove; nothing is sent"),
        plan,
        {HTTPStatus.ACCEPTED: RunAnswer},
        (
            *(HTTPStatus.BAD_REQUEST, _NOT_THERE, HTTPStatus.CONFLICT),
            *(HTTPStatus.UNPROCESSABLE_ENTITY, _OUT_OF_ORDER),
        ),
        body=PlanWanted,
    ),
    Operation(
        *("POST", "/v1/retirements", "empty", "Empty an audience for good that no sync fills"),
        empty,
        {HTTPStatus.ACCEPTED: RunAnswer},
        (
            *(HTTPStatus.BAD_REQUEST, _NOT_THERE, HTTPStatus.CONFLICT),
            *(HTTPStatus.UNPROCESSABLE_ENTITY, _OUT_OF_ORDER),
        ),
        body=RetirementWanted,
    ),
    Operation(
        *("GET", "/v1/runs", "runs", "List the last runs, the newest first"),
        runs,
        {HTTPStatus.OK: RunsAnswer},
        (HTTPStatus.UNPROCESSABLE_ENTITY, _OUT_OF_ORDER),
        query=RunsWanted,
    ),
    Operation(
        *("GET", "/v1/runs/{id}", "run", "Say how far a run is, or how it ended"),
        run,
        {HTTPStatus.OK: RunAnswer},
        (_NOT_THERE, _OUT_OF_ORDER),
    ),
    Operation(
        *("GET", "/v1/syncs", "syncs", "List the configured syncs, and where each stands"),
        syncs,
        {HTTPStatus.OK: SyncsAnswer},
        (_OUT_OF_ORDER,),
    ),
    Operation(*("GET", "/healthz", "healthz", "Say whether the process turns"), healthz, _OK),
    Operation(*("GET", "/readyz", "readyz", "Say whether it can run syncs"), readyz, _OK),
    Operation(
        *("GET", "/metrics", "metrics", "Give all metrics as Prometheus reads them"),
        scrape,
        {HTTPStatus.OK: None},
        (_OUT_OF_ORDER,),
    ),
)


def _health(why: list[str]) -> Reply:
    status = HTTPStatus.SERVICE_UNAVAILABLE if why else HTTPStatus.OK
    return Reply(HealthAnswer(ok=not why, why=tuple(why)), status)


def _of_order(service: Service, order: Order) -> RunAnswer:
    known = order.known()
    return RunAnswer(
        id=order.id,
        sync=order.subject,
        actor=order.wish.actor,
        state=known.state,
        exit_code=known.exit_code,
        error=known.error,
        run=service.app.ledger.run(known.run) if known.run else None,
        result=known.result,
        plan=known.drawn[0] if known.drawn else None,
        kept=known.drawn is not None and known.drawn[1],
        retired=known.retired,
    )


def _of_run(found: Run) -> RunAnswer:
    """A run that nobody asked for here; of how it ended the ledger knows the state."""
    return RunAnswer(
        id=found.id,
        sync=found.sync,
        actor=found.actor,
        state="running" if found.ended_at is None else "ended",
        error=found.detail,
        run=found,
    )


def _of_json(shape: type[Shape], body: bytes) -> Shape:
    """Read a body.

    Raises:
        Refusal: It is no JSON, or not of that shape.
    """
    return _checked(lambda: shape.model_validate_json(body))


def _checked(read: Callable[[], Shape]) -> Shape:
    try:
        return read()
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
    if found[0]["type"] == "json_invalid":
        raise Refusal(HTTPStatus.BAD_REQUEST, "the body is no JSON")
    raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "; ".join(_told(one) for one in found))


def _told(error: ErrorDetails) -> str:
    """What is wrong with one value; never the value, nor a key that nobody knows."""
    said = error["msg"].removeprefix("Value error, ")
    known = error["loc"] and error["type"] != "extra_forbidden"
    return f"{error['loc'][0]}: {said}" if known else said
