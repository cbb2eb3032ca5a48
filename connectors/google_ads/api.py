"""The services of one version of the Google Ads API, each call once and with a deadline.

The vendor's package has a tree of modules a version; the version is configured, so its classes
are looked up by name. Requests are filled as raw protobuf and wrapped without a copy: the SDK's
own dicts take fifteen times the time and five times the memory.
"""

from __future__ import annotations

import logging
import pkgutil
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import google.ads.googleads
import grpc
from google.ads.googleads.errors import GoogleAdsException
from google.ads.googleads.interceptors import ExceptionInterceptor, MetadataInterceptor
from google.api_core.exceptions import GoogleAPICallError

from connectors.google_ads import errors
from syncd.errors import ConfigError, PlatformError, Unavailable

# A raw protobuf message; the generated classes have no types.
Message = Any

PACKAGE = "google.ads.googleads"
VERSION = "v26"
# 5,000 members with all identifiers are 3 MB; a slow line takes a while for that.
UPLOAD_SECONDS = 120.0
QUESTION_SECONDS = 60.0

# At DEBUG these print whole requests, digests included; at WARNING each failed call.
_TALKATIVE = ("google", PACKAGE, f"{PACKAGE}.client")
_SERVICES = ("user_list_service", "offline_user_data_job_service", "google_ads_service")


def versions() -> tuple[str, ...]:
    """The API's versions that the installed google-ads speaks, newest first."""
    names = (one.name for one in pkgutil.iter_modules(google.ads.googleads.__path__))
    found = (name for name in names if re.fullmatch(r"v[0-9]+", name))
    return tuple(sorted(found, key=lambda name: int(name[1:]), reverse=True))


def checked(account: str, version: str) -> str:
    """A configured version, or else the default.

    Raises:
        syncd.errors.ConfigError: The installed google-ads does not speak it.
    """
    spoken = versions()
    if version and version not in spoken:
        raise ConfigError(
            f"account {account}: api_version must be one of {', '.join(spoken)}, "
            f"which the installed google-ads speaks, not {version!r}"
        )
    return version or VERSION


@dataclass(frozen=True, slots=True)
class Headers:
    """What each request carries beside its message.

    Attributes:
        login: The manager account's ten digits, or empty.
        developer_token: Or empty.
    """

    login: str = ""
    developer_token: str = field(default="", repr=False)


def _never() -> bool:
    return False


def over(
    channel: grpc.Channel,
    version: str,
    customer: str,
    headers: Headers,
    *,
    refused: Callable[[], bool] = _never,
) -> Api:
    """The services over an open channel.

    Args:
        channel: Shared by all of them.
        version: One of `versions`.
        customer: Ten digits.
        headers: For each request.
        refused: Whether Google's token server refused the credentials when last asked.
    """
    # The library's own, but for the one that logs: errors become its exceptions here.
    told = grpc.intercept_channel(
        channel,
        MetadataInterceptor(headers.developer_token or None, headers.login or None),
        ExceptionInterceptor(version, use_proto_plus=True),
    )
    lists, jobs, search = (_service(version, name, told) for name in _SERVICES)
    _keep_quiet(version)
    return Api(version, customer, lists, jobs, search, refused)


def _service(version: str, name: str, channel: grpc.Channel) -> Any:  # noqa: ANN401  # a vendor's client
    module = import_module(f"{PACKAGE}.{version}.services.services.{name}")
    client = getattr(module, "".join(map(str.title, name.split("_"))) + "Client")
    return client(transport=client.get_transport_class("grpc")(channel=channel))


def _keep_quiet(version: str) -> None:
    """Set the SDK's loggers above what prints requests, after its clients had their say."""
    services = f"{PACKAGE}.{version}.services.services"
    transports = (f"{services}.{name}.transports.grpc" for name in _SERVICES)
    for name in (*_TALKATIVE, *transports):
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.WARNING))
    # Of an answer that cannot be read it logs a traceback; our error says the same.
    logging.getLogger("grpc._common").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Api:
    """One account over one version of the API."""

    version: str
    customer: str
    lists: Any = field(repr=False)
    jobs: Any = field(repr=False)
    search: Any = field(repr=False)
    refused: Callable[[], bool] = field(repr=False)

    def new(self, module: str, name: str) -> Message:
        """An empty message: `new("services.types.user_list_service", "MutateUserListsRequest")`."""
        return self._class(module, name).pb()()

    def number(self, module: str, name: str) -> int:
        """An enum's value: `number("consent_status", "ConsentStatus.GRANTED")`."""
        kind, _, value = name.partition(".")
        holder = self._class(f"enums.types.{module}", f"{kind}Enum")
        return int(getattr(getattr(holder, kind), value))

    def ask(self, query: str) -> tuple[Message, ...]:
        """What a query in Google's query language finds, as GoogleAdsRows.

        Raises:
            syncd.errors.PlatformError: The call failed.
        """
        module = "services.types.google_ads_service"
        request = self.new(module, "SearchGoogleAdsRequest")
        request.customer_id, request.query = self.customer, query
        wrapped = self._class(module, "SearchGoogleAdsRequest").wrap(request)

        def all_pages() -> tuple[Message, ...]:
            pager = self.search.search(request=wrapped, retry=None, timeout=QUESTION_SECONDS)
            return tuple(type(one).pb(one) for one in pager)

        found: tuple[Message, ...] = self._told(all_pages)
        return found

    def call(
        self,
        method: Callable[..., Any],
        module: str,
        request: Message,
        seconds: float = QUESTION_SECONDS,
        rows: int = 0,
    ) -> Message:
        """Call a method once.

        Args:
            method: Of a service.
            module: That its request is from.
            request: Raw protobuf.
            seconds: Its deadline.
            rows: That the request carries.

        Returns:
            Its answer, raw where the SDK wraps it.

        Raises:
            syncd.errors.PlatformError: The call failed.
        """
        wrapped = self._class(module, request.DESCRIPTOR.name).wrap(request)
        answer = self._told(lambda: method(request=wrapped, retry=None, timeout=seconds), rows)
        return type(answer).pb(answer) if hasattr(type(answer), "pb") else answer

    def failure(self, packed: bytes) -> Message:
        """A GoogleAdsFailure from its bytes."""
        return self._class("errors.types.errors", "GoogleAdsFailure").pb().FromString(packed)

    def _class(self, module: str, name: str) -> Any:  # noqa: ANN401  # a generated class
        return getattr(import_module(f"{PACKAGE}.{self.version}.{module}"), name)

    def _told(self, call: Callable[[], Any], rows: int = 0) -> Any:  # noqa: ANN401  # an answer
        """The call's answer, or our error in place of the SDK's."""
        try:
            return call()
        except (GoogleAdsException, GoogleAPICallError) as error:
            ours: PlatformError = errors.translate(error, self.failure, rows=rows)
            if isinstance(ours, Unavailable) and self.refused():
                ours = errors.keyless()
        # Raised out here, so that not even `__context__` leads back to the vendor's error.
        raise ours
