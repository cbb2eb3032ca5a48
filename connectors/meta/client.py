"""One ad account over the vendor's SDK: credentials, requests, answers checked.

The SDK takes any answer that holds no `error` for a success, keeps tokens in URLs, never
times out and trusts roots of its own. All of that is put right here and nowhere else.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Protocol
from urllib.parse import urlsplit

from connectors.meta.errors import NAME, Failure, trace_id, translate
from connectors.meta.form import Form
from connectors.meta.usage import Pace, stated_wait
from syncd.errors import ConfigError, PlatformError, Throttled, Unavailable
from syncd.model import Account

GRAPH = "https://graph.facebook.com"
# Seconds to connect, and without a byte of an answer. Meta takes about one for 10,000 rows.
TIMEOUT = (10.0, 90.0)
EXCHANGE = 110.0  # seconds for a request and its whole answer, however it drips in
HTTP_OK = 200
TOO_MANY_REQUESTS = 429

Answer = Mapping[str, object]
Path = tuple[str, ...]
RandBits = Callable[[int], int]


class _Response(Protocol):
    def status(self) -> int: ...
    def json(self) -> object: ...
    def headers(self) -> Mapping[str, str] | None: ...


class _Api(Protocol):
    def call(
        self, method: str, path: Path, params: Form, headers: Mapping[str, str]
    ) -> _Response: ...


class _Line(Protocol):
    def within(self, seconds: float) -> AbstractContextManager[None]: ...


class _RequestError(Protocol):
    """What is used of `FacebookRequestError`. Its text shows all parameters: never used."""

    def http_status(self) -> int: ...
    def http_headers(self) -> Mapping[str, str] | None: ...
    def body(self) -> object: ...
    def api_error_code(self) -> object: ...
    def api_error_subcode(self) -> object: ...
    def api_transient_error(self) -> object: ...


class Client:
    """Sends requests and gives back answers of the right shape, or a `PlatformError`.

    Attributes:
        pace: What the answers said of the account's limits.
    """

    def __init__(self, api: _Api, secrets: Mapping[str, str], line: _Line) -> None:
        self._api = api
        self._secrets = secrets
        self._line = line
        self.pace = Pace()

    def get(self, path: Path, fields: Mapping[str, str], *, of_audience: bool) -> Answer:
        """Ask for something. The token travels in a header, out of URLs and their logs."""
        headers = {"Authorization": f"Bearer {self._secrets['access_token']}"}
        # The proof has no header of its own. Without the token it opens nothing.
        proof = {name: text for name, text in self._secrets.items() if name != "access_token"}
        return self._call("GET", path, {**fields, **proof}, headers, of_audience=of_audience)

    def post(self, path: Path, fields: Form, *, of_audience: bool) -> Answer:
        """Send a form. Token and proof travel in it, out of URLs and their logs."""
        return self._call("POST", path, {**fields, **self._secrets}, {}, of_audience=of_audience)

    def ask_of_token(self) -> Answer:
        """Ask what Meta states of the token itself, which is all that the question holds.

        As a form that means a question: a question of its own would carry the token in its URL.
        """
        fields = {"input_token": self._secrets["access_token"], "method": "GET"}
        return self.post(("debug_token",), fields, of_audience=False)

    def _call(
        self,
        method: str,
        path: Path,
        fields: Form,
        headers: dict[str, str],
        *,
        of_audience: bool,
    ) -> Answer:
        from facebook_business.exceptions import FacebookRequestError  # noqa: PLC0415  # heavy
        from urllib3.exceptions import HTTPError  # noqa: PLC0415  # comes with the SDK

        # Raised below, not here: a vendor's exception holds every row of its request, and
        # would travel along as the context of ours.
        failure: PlatformError
        self.pace.asked()
        try:
            with self._line.within(EXCHANGE):
                response = self._api.call(method, path, params=fields, headers=headers)
        except FacebookRequestError as error:
            upload = of_audience and method == "POST"
            failure = _translate(error, of_audience=of_audience, upload=upload)
            self._learn(failure, error.http_headers())
        except (OSError, HTTPError):  # every error of `requests` is an OSError
            failure = Unavailable(NAME, "no_answer")
        except (AttributeError, TypeError, ValueError):
            # The SDK trips over errors that are texts and pages that mention "success".
            failure = malformed()
        else:
            answer = response.json()
            if response.status() == HTTP_OK and isinstance(answer, dict):
                self.pace.answered(_lower(response.headers()))
                return answer
            failure = _unreadable(response.status(), response.headers())
            self._learn(failure, response.headers())
        raise failure

    def _learn(self, failure: PlatformError, headers: Mapping[str, str] | None) -> None:
        """Hear what a refusal says of limits; one that states no wait gets one of ours."""
        throttled = isinstance(failure, Throttled)
        self.pace.answered(_lower(headers), throttled=throttled)
        if isinstance(failure, Throttled) and failure.retry_after is None:
            failure.retry_after = self.pace.unstated()


def malformed(detail: str = "malformed") -> Unavailable:
    """An answer that is none: the request may or may not have been applied."""
    return Unavailable(NAME, detail, hint="the answer was not one of Meta's API; is there a proxy?")


def number(value: object) -> int | None:
    """A whole number, which Meta at times writes as text."""
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _unreadable(status: int, headers: Mapping[str, str] | None) -> PlatformError:
    if status != TOO_MANY_REQUESTS:
        return malformed()
    # A load balancer throttles without Meta's JSON.
    return Throttled(NAME, "http 429", retry_after=stated_wait(_lower(headers)))


def _lower(headers: Mapping[str, str] | None) -> dict[str, str]:
    return {name.lower(): text for name, text in (headers or {}).items()}


def _translate(error: _RequestError, *, of_audience: bool, upload: bool) -> PlatformError:
    code, subcode = error.api_error_code(), error.api_error_subcode()
    status = error.http_status()
    if not isinstance(code, int):
        # An empty body, or `{"success": false}`.
        return _unreadable(status, error.http_headers())
    body = error.body()
    detail = body.get("error") if isinstance(body, dict) else None
    return translate(
        Failure(
            status=status,
            code=code,
            subcode=subcode if isinstance(subcode, int) else None,
            transient=error.api_transient_error() is True,
            trace=trace_id(detail.get("fbtrace_id")) if isinstance(detail, dict) else "",
            headers=_lower(error.http_headers()),
            of_audience=of_audience,
            upload=upload,
        )
    )


def connect(account: Account) -> Client:
    """Build the client of an account; sends nothing.

    Raises:
        ConfigError: The endpoint would carry the token unencrypted off this machine, or the
            version is none.
    """
    graph, loopback = _endpoint(account)
    version = _version(account)

    from facebook_business.api import FacebookAdsApi  # noqa: PLC0415  # heavy
    from facebook_business.session import FacebookSession  # noqa: PLC0415  # heavy
    from requests.utils import get_environ_proxies  # noqa: PLC0415  # comes with the SDK

    from connectors.meta.deadline import Line  # noqa: PLC0415  # imports `requests`
    from connectors.meta.http import Http  # noqa: PLC0415  # imports `requests`

    token, secret = account.options["access_token"], account.options.get("app_secret") or None
    # By hand, and never `FacebookAdsApi.init()`: that sets a default for the whole process
    # and a crash reporter that sends stack traces to Meta.
    session = FacebookSession(app_secret=secret, access_token=token, timeout=TIMEOUT)
    session.GRAPH = graph
    # The SDK's own would put token and proof into every URL, and trusts a bundle that holds
    # expired roots; ours has no parameters, and trusts certifi's.
    http, line = Http(), Line()
    session.requests = http
    for scheme in ("https://", "http://"):
        http.mount(scheme, line)
    http.max_redirects = 0  # a redirected POST would hand token and rows to another host
    # A netrc entry would replace our Authorization header. Proxies of the environment are
    # part of how a server reaches the internet; they are kept, but for this machine's own.
    http.trust_env = False
    http.proxies = {} if loopback else get_environ_proxies(graph, no_proxy=None)
    secrets = {"access_token": token}
    if secret:
        secrets["appsecret_proof"] = session.appsecret_proof
    return Client(FacebookAdsApi(session, api_version=version), secrets, line)


def _version(account: Account) -> str | None:
    """The API's version if one is asked for; it becomes part of every URL."""
    given = account.options.get("graph_version") or None
    if given is not None and not re.fullmatch(r"v[0-9]{1,3}\.[0-9]{1,2}", given):
        raise ConfigError(
            f"accounts.{account.name}.graph_version must be of the form v26.0: {given!r}"
        )
    return given


def _endpoint(account: Account) -> tuple[str, bool]:
    if account.endpoint is None:
        return GRAPH, False
    url = urlsplit(account.endpoint)
    loopback = _is_loopback(url.hostname or "")
    if not url.hostname or url.scheme not in ("http", "https"):
        raise ConfigError(f"accounts.{account.name}.endpoint must be a URL: https://HOST[:PORT]")
    if url.scheme == "http" and not loopback:
        raise ConfigError(
            f"accounts.{account.name}.endpoint must use https: the access token would cross the "
            f"network unencrypted (http is for 127.0.0.1 only)"
        )
    return account.endpoint.rstrip("/"), loopback


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
