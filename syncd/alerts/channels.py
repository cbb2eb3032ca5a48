"""How a message goes out: through apprise, or as a signed webhook.

A channel says what came of one attempt, as a code, and never raises: addresses hold
secrets, and a library's exception may hold an address. Certificates are always checked,
nothing is sent unencrypted off this machine, no redirect is followed, since it could carry
a message or a secret to somebody else, and an attempt ends after `DEADLINE`.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol

import orjson

from syncd.errors import ConfigError
from syncd.ports import Clock
from syncd.settings import Settings, target_secret
from syncd.settings.values import is_loopback, parse_endpoint

if TYPE_CHECKING:
    from apprise import NotifyBase

DEADLINE = 20.0  # seconds, whatever a receiver does
CONNECT, READ = 5.0, 10.0  # seconds, each time
TAKEN = ""  # the code of an attempt that the target took
NO_ANSWER = "no_answer"
NOT_TAKEN = "not_taken"  # all that apprise tells
# Of these the next message would meet the same: the target is left alone for a while.
PASSING = frozenset({NO_ANSWER, NOT_TAKEN, "http_408", "http_429"})


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody is told.

    Attributes:
        id: The same each time this message is sent; receivers tell doubles by it.
        title: In a few words.
        said: In sentences: the numbers, and what to do.
    """

    id: str
    turn: Literal["opened", "recovered", "test"]
    subject: str
    condition: str
    at: datetime
    title: str
    said: str


class Channel(Protocol):
    """A way to one target."""

    def send(self, message: Message) -> str:
        """Try once; the code of what came of it, `TAKEN` if the target took it."""
        ...


def passing(code: str) -> bool:
    """Whether the same message, and others, may fare better later."""
    return code in PASSING or code.startswith("http_5")


def channel(settings: Settings, target: str, clock: Clock) -> Channel:
    """The way to a configured target; this reads its secrets and sends nothing.

    Raises:
        syncd.errors.ConfigError: One is not there, or cannot be used; it is not repeated.
    """
    keys = ("alerts", "targets", target)
    if settings.alerts.targets[target].apprise is not None:
        address = target_secret(settings, target, "apprise")
        return Apprise(_service(address, settings.where(*keys, "apprise"), ".".join(keys)))
    try:
        url = parse_endpoint(target_secret(settings, target, "webhook"))
    except ValueError as error:
        where = settings.where(*keys, "webhook")
        raise ConfigError(f"{'.'.join(keys)}.webhook: {error}", where=where) from None
    secret = target_secret(settings, target, "secret")
    return Webhook(url, secret.encode(), clock)


@dataclass(frozen=True, slots=True)
class Webhook:
    """A POST of JSON that its receiver can check.

    `Syncd-Signature: t=SECONDS,v1=HEX`, where HEX is the HMAC-SHA256 under the shared secret
    over SECONDS, a full stop, and the body as it stands; SECONDS are Unix time, of sending.
    """

    url: str = field(repr=False)
    secret: bytes = field(repr=False)
    clock: Clock

    def send(self, message: Message) -> str:
        """Try once; any answer of 2xx is a yes, and nothing of it is read."""
        return _within(DEADLINE, lambda: self._post(message))

    def _post(self, message: Message) -> str:
        import requests  # noqa: PLC0415 - a tenth of a second, which `--help` need not wait for

        body = payload(message)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "syncd",
            "Syncd-Id": message.id,
            "Syncd-Signature": signature(self.secret, body, int(self.clock.now().timestamp())),
        }
        with requests.post(
            self.url,
            data=body,
            headers=headers,
            timeout=(CONNECT, READ),
            allow_redirects=False,
            stream=True,  # the answer's body stays where it is, however long
        ) as answer:
            code = answer.status_code
        return TAKEN if 200 <= code < 300 else f"http_{code}"  # noqa: PLR2004 - HTTP's


def payload(message: Message) -> bytes:
    """A message as a webhook gets it."""
    return orjson.dumps(
        {
            "id": message.id,
            "turn": message.turn,
            "subject": message.subject,
            "condition": message.condition,
            "at": message.at.isoformat(),
            "title": message.title,
            "said": message.said,
        }
    )


def signature(secret: bytes, body: bytes, seconds: int) -> str:
    """The header by which a receiver knows that a body is ours, and how old it is."""
    signed = hmac.new(secret, f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={signed}"


@dataclass(frozen=True, slots=True)
class Apprise:
    """A service that apprise knows; all that it tells is yes or no."""

    service: NotifyBase = field(repr=False)

    def send(self, message: Message) -> str:
        """Try once."""
        return _within(DEADLINE, lambda: self._notify(message))

    def _notify(self, message: Message) -> str:
        from apprise import NotifyFormat, NotifyType  # noqa: PLC0415 - it takes a while

        kinds = {"opened": NotifyType.WARNING, "recovered": NotifyType.SUCCESS}
        # Not by `Apprise.notify`: its threads would keep the process from ending.
        taken = self.service.notify(
            body=f"{message.said}\n\n({message.id})",
            title=message.title,
            notify_type=kinds.get(message.turn, NotifyType.INFO),
            body_format=NotifyFormat.TEXT,
        )
        return TAKEN if taken else NOT_TAKEN


def _service(address: str, where: str, key: str) -> NotifyBase:
    """The service that an address means; apprise would take more than we do."""
    import apprise  # noqa: PLC0415 - it takes a while, and most commands tell nobody

    # Its log lines hold hosts, and with them what services take for a token.
    quiet = logging.getLogger("apprise")
    quiet.propagate = False
    quiet.handlers[:] = [logging.NullHandler()]
    asset = apprise.AppriseAsset(
        storage_mode=apprise.PersistentStoreMode.MEMORY, allow_templates=False
    )
    service = apprise.Apprise.instantiate(address, asset=asset)
    if service is None:
        raise ConfigError(
            f"{key}.apprise: apprise knows no such service, or its address is not complete; "
            "https://github.com/caronc/apprise has them all",
            where=where,
        )
    if not service.verify_certificate:
        raise ConfigError(
            f"{key}.apprise: leave verify=no out of the address: certificates are checked",
            where=where,
        )
    plain, secure = _names(service.protocol), _names(service.secure_protocol)
    if service.schema in plain and secure and not is_loopback(service.host or ""):
        raise ConfigError(
            f"{key}.apprise: {service.schema}:// is not encrypted: use {secure[0]}://", where=where
        )
    service.redirects = False  # also where the address asks for them
    service.retry = 0  # the outbox does that, and keeps it
    service.socket_connect_timeout = CONNECT
    service.socket_read_timeout = READ
    return service


def _names(protocols: object) -> tuple[str, ...]:
    """Names of protocols as apprise gives them: none, one, or several."""
    if isinstance(protocols, str):
        return (protocols,)
    return tuple(map(str, protocols)) if isinstance(protocols, (tuple, list, set)) else ()


def _within(seconds: float, attempt: Callable[[], str]) -> str:
    """What an attempt comes to; one that outlasts its time is left to itself.

    In a thread of its own, which does not keep the process from ending: a receiver that
    answers a byte at a time never meets a socket's timeout.
    """
    found: list[str] = []

    def run() -> None:
        try:
            found.append(attempt())
        except Exception:  # noqa: BLE001 - of any library, whose words may hold the address
            found.append(NO_ANSWER)

    thread = threading.Thread(target=run, name="syncd alert", daemon=True)
    thread.start()
    thread.join(seconds)
    return found[0] if found else NO_ANSWER
