"""Who may read the page, and what a browser is told with every answer."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

from syncd.api.doors import HOSTS, digest_of, host_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = frozenset({"GET", "HEAD"})
# No script, no picture, no font, no request but for our own style sheet; facts 5.6.
HEADERS = (
    (b"cache-control", b"no-store"),
    (
        b"content-security-policy",
        b"; ".join(
            (
                *(b"default-src 'none'", b"style-src 'self'", b"img-src 'self'"),
                *(b"form-action 'self'", b"frame-ancestors 'none'", b"base-uri 'none'"),
            )
        ),
    ),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)


@dataclass(frozen=True, slots=True)
class SignIn:
    """How a reader shows who they are; without any of it, who reaches the socket may read.

    Attributes:
        header: Name of the header in which a proxy says who is signed in, lower-case.
        peers: Who that proxy may be: addresses, or logins where it comes by a Unix socket.
        token: What a reader shows as the password of basic authentication, or as bearer.
        hosts: Names by which the page is called, beside those of this machine.
    """

    header: str = ""
    peers: frozenset[str] = frozenset()
    token: str = field(default="", repr=False)
    hosts: frozenset[str] = frozenset()


class Doors:
    """ASGI middleware before everything else."""

    def __init__(self, inner: ASGIApp, sign_in: SignIn) -> None:
        self._inner = inner
        self._sign_in = sign_in
        self._token = digest_of(sign_in.token.encode()) if sign_in.token else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return

        async def out(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *HEADERS]}
            await send(message)

        refusal = self._refusal(scope)
        if refusal is None:
            await self._inner(scope, receive, out)
            return
        await _plain(*refusal)(scope, receive, out)

    def _refusal(self, scope: Scope) -> tuple[HTTPStatus, str] | None:
        """Why a request is not looked at; None if it is."""
        if scope["method"] not in METHODS:
            return HTTPStatus.METHOD_NOT_ALLOWED, "this page is only read: GET and HEAD"
        one = {b"host", b"authorization", self._sign_in.header.encode()}
        headers: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name in one and name in headers:
                return HTTPStatus.BAD_REQUEST, f"the header {name.decode()} stands there twice"
            headers[name] = value
        if host_of(headers.get(b"host", b"")) not in HOSTS | self._sign_in.hosts:
            said = "the request is meant for another host: `syncd web --host NAME` names this one's"
            return HTTPStatus.MISDIRECTED_REQUEST, said
        if self._sign_in.header and (why := self._unknown(scope, headers)):
            return HTTPStatus.FORBIDDEN, why
        if not self._shown(headers.get(b"authorization", b"")):
            return HTTPStatus.UNAUTHORIZED, "show the page's token as the password"
        return None

    def _unknown(self, scope: Scope, headers: Mapping[bytes, bytes]) -> str:
        """Why nobody is signed in by the proxy; "" if somebody is."""
        login = scope.get("state", {}).get("login")
        peer = login if isinstance(login, str) else (scope.get("client") or ("",))[0]
        if peer not in self._sign_in.peers:
            return "requests come through the proxy that signs in, and this one does not"
        if not headers.get(self._sign_in.header.encode(), b"").strip():
            return f"the proxy signed nobody in: there is no {self._sign_in.header}"
        return ""

    def _shown(self, authorization: bytes) -> bool:
        """Whether the token was shown; takes as long for a wrong one, however wrong."""
        if self._token is None:
            return True
        scheme, _, value = authorization.partition(b" ")
        shown = value.strip()
        if scheme.lower() == b"basic":
            try:
                shown = base64.b64decode(shown, validate=True).partition(b":")[2]
            except binascii.Error:
                shown = b""
        elif scheme.lower() != b"bearer":
            shown = b""
        return hmac.compare_digest(digest_of(shown), self._token)


def _plain(status: HTTPStatus, said: str) -> ASGIApp:
    from starlette.responses import PlainTextResponse  # noqa: PLC0415 - not for --help

    headers: dict[str, str] = {}
    if status is HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = 'Basic realm="syncd", charset="UTF-8"'
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        headers["allow"] = _listed(METHODS)
    return PlainTextResponse(f"syncd: {said}\n", status, headers)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
