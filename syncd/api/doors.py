"""Who may come in: callers on this machine that mean us, and no page of a browser.

A browser lets any page send requests to this machine, and lets a page's own name lead here.
The first give themselves away by `Origin`, `Sec-Fetch-Site` or a form's content type, the
second by `Host`; a program of ours sends none of them.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING

import structlog

from syncd.api.problems import problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST = 16 * 1024  # bytes of a body; what is asked for takes a hundred
PATIENCE = 10.0  # seconds for a body to come
HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]", "syncd"})  # the last: through a socket
OPEN = frozenset({"/healthz", "/readyz"})  # need no token: they say whether, and of whom nothing
# What a browser is told, should one show an answer all the same.
HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)

log = structlog.get_logger()


class Doors:
    """ASGI middleware before everything else."""

    def __init__(self, inner: ASGIApp, *, token: str | None, bodies: frozenset[str]) -> None:
        """Open them.

        Args:
            inner: What answers whoever comes in.
            bodies: Paths to which something is sent.
            token: What a caller has to show; None if the socket's mode keeps others out.
        """
        self._inner = inner
        self._bodies = bodies
        self._token = None if token is None else digest_of(token.strip().encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        status, began = 0, time.monotonic()

        async def out(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                message = {**message, "headers": [*message["headers"], *HEADERS]}
            elif not message.get("more_body", False):
                _note(scope, status, time.monotonic() - began)
            await send(message)

        await self._answer(scope, receive, out)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope)
        if refusal is None:
            try:
                async with asyncio.timeout(PATIENCE):
                    body = await _body(receive)
            except TimeoutError:
                refusal = (HTTPStatus.REQUEST_TIMEOUT, "the request did not come to its end")
            else:
                if body is None:
                    said = f"the body is longer than {LARGEST:,} bytes"
                    refusal = (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, said)
        if refusal is None:
            await self._inner(scope, _again(body or b"", receive), send)
            return
        headers = {"connection": "close"}  # what is left of its body is nobody's
        if refusal[0] is HTTPStatus.UNAUTHORIZED:
            headers["www-authenticate"] = "Bearer"
        await problem(*refusal, headers=headers)(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[HTTPStatus, str] | None:
        """Why a request is not looked at; None if it is."""
        headers: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name in {b"host", b"authorization", b"content-type"} and name in headers:
                return HTTPStatus.BAD_REQUEST, f"the header {name.decode()} stands there twice"
            headers[name] = value
        if host_of(headers.get(b"host", b"")) not in HOSTS:
            said = "the request is meant for another host; this one is called localhost"
            return HTTPStatus.MISDIRECTED_REQUEST, said
        if b"origin" in headers or headers.get(b"sec-fetch-site", b"none") != b"none":
            return HTTPStatus.FORBIDDEN, "pages of a browser may not ask here"
        if scope["path"] not in OPEN and not self._shown(headers.get(b"authorization", b"")):
            said = "show the token that `api.token` names: Authorization: Bearer TOKEN"
            return HTTPStatus.UNAUTHORIZED, said
        return _fits(headers, sends=scope["method"] == "POST" and scope["path"] in self._bodies)

    def _shown(self, authorization: bytes) -> bool:
        """Whether the token was shown; takes as long for a wrong one, however wrong."""
        scheme, _, value = authorization.partition(b" ")
        return self._token is None or (
            scheme.lower() == b"bearer" and hmac.compare_digest(digest_of(value), self._token)
        )


def actor_of(scope: Scope) -> str:
    """Who asks: the login at the other end of the socket, or `api`."""
    found = scope.get("state", {}).get("login")
    return found if isinstance(found, str) else "api"


def _note(scope: Scope, status: int, seconds: float) -> None:
    """Log that somebody asked; of the address nothing, for anything may have been typed there."""
    quiet = scope["method"] == "GET" and status < HTTPStatus.BAD_REQUEST
    (log.debug if quiet else log.info)(
        "api_answered",
        operation=scope.get("operation", ""),
        status=status,
        actor=actor_of(scope),
        duration_s=round(seconds, 3),
    )


def _fits(headers: Mapping[bytes, bytes], *, sends: bool) -> tuple[HTTPStatus, str] | None:
    """Whether what was sent can be read at all."""
    kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if (sends or kind) and kind != b"application/json":
        said = "send JSON, and say so: Content-Type: application/json"
        return HTTPStatus.UNSUPPORTED_MEDIA_TYPE, said
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length) > LARGEST:
        said = f"the body is longer than {LARGEST:,} bytes"
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, said
    return None


def host_of(value: bytes) -> str:
    """The host that a request is meant for, without its port."""
    text = value.decode("latin-1").lower()
    name, colon, port = text.rpartition(":")
    return name if colon and port.isdigit() else text


def digest_of(value: bytes) -> bytes:
    """What is compared in place of a token: as long for each, whatever was shown."""
    return hashlib.sha256(value).digest()


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None if it is too long. Who goes away has sent what came."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > LARGEST:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """Give a body that was read once more, then whatever follows."""
    given = False

    async def one() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return one
