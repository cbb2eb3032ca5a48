"""Operations as a Starlette application, behind the doors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING

import structlog

from syncd.api.doors import Doors, actor_of
from syncd.api.operations import OPERATIONS, Call, Operation, Service
from syncd.api.problems import Refusal, problem, status_of
from syncd.errors import SyncdError
from syncd.metrics import CONTENT_TYPE

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp

log = structlog.get_logger()


def application(service: Service, *, token: str | None) -> ASGIApp:
    """The whole API of a daemon.

    Args:
        service: The daemon.
        token: What callers have to show; None if they need not.
    """
    from starlette.applications import Starlette  # noqa: PLC0415 - not for --help
    from starlette.exceptions import HTTPException  # noqa: PLC0415
    from starlette.routing import Route  # noqa: PLC0415

    def elsewhere(_: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        headers = error.headers if isinstance(error, HTTPException) else None
        said = "GET /v1/syncs and POST /v1/runs are what is asked for most; config/openapi.json"
        return problem(HTTPStatus(status), f"there is no such thing here: {said}", headers=headers)

    by_path = dict[str, dict[str, Operation]]()
    for each in OPERATIONS:
        by_path.setdefault(each.path, {})[each.method] = each
    routes = [Route(path, _endpoint(service, do), methods=[*do]) for path, do in by_path.items()]
    inner = Starlette(routes=routes, exception_handlers={HTTPException: elsewhere})
    inner.router.redirect_slashes = False
    bodies = frozenset(each.path for each in OPERATIONS if each.body is not None)
    return Doors(inner, token=token, bodies=bodies)


def _endpoint(
    service: Service, operations: Mapping[str, Operation]
) -> Callable[[Request], Awaitable[Response]]:
    """What answers at one path, by the method."""
    from starlette.concurrency import run_in_threadpool  # noqa: PLC0415

    async def endpoint(request: Request) -> Response:
        operation = operations["GET" if request.method == "HEAD" else request.method]
        request.scope["operation"] = operation.name
        path = {name: str(value) for name, value in request.path_params.items()}
        body = await request.body()
        actor, query = actor_of(request.scope), dict(request.query_params)
        call = Call(actor, path, query, body)
        # A thread: the ledger blocks, and others are answered meanwhile.
        return await run_in_threadpool(_answer, service, operation, call)

    return endpoint


def _answer(service: Service, operation: Operation, call: Call) -> Response:
    from starlette.responses import Response  # noqa: PLC0415

    try:
        reply = operation.does(service, call)
    except Refusal as refusal:
        return problem(refusal.status, str(refusal))
    except SyncdError as error:
        return problem(status_of(error), str(error))
    except Exception:
        # Here, for what an exception says may be anything and must not reach the caller.
        log.exception("api_crashed", operation=operation.name)
        said = "a fault of syncd itself; the daemon's log names it"
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR, said)
    if isinstance(reply.content, bytes):
        return Response(reply.content, reply.status, media_type=CONTENT_TYPE)
    text = reply.content.model_dump_json()
    return Response(text, reply.status, media_type="application/json")
