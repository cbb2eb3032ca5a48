"""The page as an ASGI application: GET only, from the read model alone."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from syncd.telling import COLUMNS, cells, plain
from syncd.web import catalogue, views
from syncd.web.doors import Doors, SignIn
from syncd.web.frame import BadQuestion, Frame, known_zone
from syncd.web.reading import Published, Unpublished, published
from syncd.web.rendering import render
from syncd.web.views import Context, NotThere

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route
    from starlette.types import ASGIApp

STATIC = {"page.css": "text/css", "icon.svg": "image/svg+xml"}
View = Callable[[Published, Frame], Context]


def application(
    folder: Path, sign_in: SignIn, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> ASGIApp:
    """The whole page.

    Args:
        folder: Where the daemon publishes.
        sign_in: Who may read.
        clock: To tell how long ago things were.
    """
    from starlette.applications import Starlette  # noqa: PLC0415 - not for --help
    from starlette.exceptions import HTTPException  # noqa: PLC0415

    def elsewhere(request: Request, _: Exception) -> Response:
        return _said(HTTPStatus.NOT_FOUND, "There is no such page.", request)

    def broken(request: Request, _: Exception) -> Response:
        said = "A fault of syncd itself; the log of the page's process names it."
        return _said(HTTPStatus.INTERNAL_SERVER_ERROR, said, request)

    told = {HTTPException: elsewhere, Exception: broken}
    inner = Starlette(routes=_routes(folder, clock), exception_handlers=told)
    return Doors(inner, sign_in)


def _routes(folder: Path, clock: Callable[[], datetime]) -> list[Route]:
    from starlette.routing import Route  # noqa: PLC0415

    def page(template: str, view: Callable[[Request], View]) -> Callable[[Request], Response]:
        def endpoint(request: Request) -> Response:
            return _answered(folder, clock, request, template, view(request))

        return endpoint

    def named(view: Callable[[Published, Frame, str], Context]) -> Callable[[Request], View]:
        return lambda request: lambda seen, frame: view(seen, frame, request.path_params["name"])

    def numbered(request: Request) -> View:
        return lambda seen, frame: views.event(seen, frame, request.path_params["number"])

    def export(form: Callable[[Path, Frame], Iterator[str]], media: str, name: str) -> Route:
        def endpoint(request: Request) -> Response:
            return _exported(folder, clock, request, form, media)

        return Route(f"/{name}", endpoint)

    return [
        Route("/", page("overview", lambda _: views.overview)),
        Route("/audiences/{name}", page("audience", named(views.audience))),
        Route("/runs", page("runs", lambda _: views.runs)),
        Route("/runs/{name}", page("run", named(views.run))),
        Route("/segments", page("segments", lambda _: catalogue.segments)),
        Route("/audit", page("audit", lambda _: views.audit)),
        Route("/audit/{number:int}", page("event", numbered)),
        export(_as_csv, "text/csv", "audit.csv"),
        export(_as_json, "application/x-ndjson", "audit.jsonl"),
        Route("/health", page("health", lambda _: views.health)),
        Route("/person", page("person", lambda _: views.person)),
        Route("/static/{name}", _static),
    ]


def frame_of(seen: Published, request: Request, now: datetime) -> Frame:
    """A request's surroundings.

    Raises:
        syncd.web.frame.BadQuestion: It asks for a zone that there is none of.
    """
    query = dict(request.query_params)
    chosen = known_zone(query.pop("zone", ""))
    # Whoever published may have a clock that is ahead of ours; nothing happens after now.
    now = max(now, seen.now.at)
    return Frame(now, seen.now.at, seen.now.zone, chosen, request.url.path, query)


def _answered(
    folder: Path, clock: Callable[[], datetime], request: Request, template: str, view: View
) -> Response:
    try:
        with published(folder) as seen:
            frame = frame_of(seen, request, clock())
            return _page(template, frame, view(seen, frame))
    except Unpublished as error:
        return _said(HTTPStatus.OK, str(error), request, title="Nothing to show yet")
    except NotThere as error:
        return _said(HTTPStatus.NOT_FOUND, str(error), request)
    except BadQuestion as error:
        return _said(HTTPStatus.BAD_REQUEST, f"In the address {error}.", request)


def _page(template: str, frame: Frame, context: Context) -> Response:
    from starlette.responses import HTMLResponse  # noqa: PLC0415

    return HTMLResponse(render(template, frame, context))


def _said(status: HTTPStatus, said: str, request: Request, *, title: str = "") -> Response:
    """One sentence in place of a view."""
    from starlette.responses import HTMLResponse  # noqa: PLC0415

    now = datetime.now(UTC)
    frame = Frame(now, now, "UTC", "", request.url.path, {})
    text = render("said", frame, {"title": title or status.phrase, "said": said})
    return HTMLResponse(text, status)


def _static(request: Request) -> Response:
    from starlette.responses import Response  # noqa: PLC0415

    name = request.path_params["name"]
    if name not in STATIC:
        return _said(HTTPStatus.NOT_FOUND, "There is no such file.", request)
    content = (files("syncd.web") / "static" / name).read_bytes()
    return Response(content, media_type=STATIC[name])


# --- exports ----------------------------------------------------------------------------


def _exported(
    folder: Path,
    clock: Callable[[], datetime],
    request: Request,
    form: Callable[[Path, Frame], Iterator[str]],
    media: str,
) -> Response:
    """All events that fit, as a file; read as it is sent."""
    from starlette.responses import StreamingResponse  # noqa: PLC0415

    try:
        with published(folder) as seen:
            frame = frame_of(seen, request, clock())
            views.wanted_of(frame)  # before the first byte: afterwards no status can be told
    except Unpublished as error:
        return _said(HTTPStatus.OK, str(error), request, title="Nothing to show yet")
    except BadQuestion as error:
        return _said(HTTPStatus.BAD_REQUEST, f"In the address {error}.", request)
    name = f'attachment; filename="syncd-{request.url.path.lstrip("/")}"'
    return StreamingResponse(
        form(folder, frame), media_type=media, headers={"content-disposition": name}
    )


def _as_csv(folder: Path, frame: Frame) -> Iterator[str]:
    with published(folder) as seen:
        yield _line(COLUMNS)
        for event in seen.events(views.wanted_of(frame)):
            yield _line(cells(event))


def _line(values: tuple[str, ...] | list[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(values)
    return text.getvalue()


def _as_json(folder: Path, frame: Frame) -> Iterator[str]:
    with published(folder) as seen:
        for event in seen.events(views.wanted_of(frame)):
            yield json.dumps(plain(event), sort_keys=True) + "\n"
