"""Answers that say why something was not done."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING

from syncd.api.shapes import Problem
from syncd.errors import Busy, ConfigError, Stopped, SyncdError, UsageError

if TYPE_CHECKING:
    from starlette.responses import Response

MEDIA = "application/problem+json"
# The status of the nearest class that has one.
STATUS: dict[type[SyncdError], HTTPStatus] = {
    UsageError: HTTPStatus.NOT_FOUND,  # it names something that is not there
    Busy: HTTPStatus.CONFLICT,
    Stopped: HTTPStatus.SERVICE_UNAVAILABLE,
    ConfigError: HTTPStatus.SERVICE_UNAVAILABLE,
    SyncdError: HTTPStatus.SERVICE_UNAVAILABLE,
}


class Refusal(Exception):
    """A request that cannot be answered as it is."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status


def status_of(error: SyncdError) -> HTTPStatus:
    """The status that says what a caller does next."""
    return next(STATUS[each] for each in type(error).__mro__ if each in STATUS)


def phrase(status: HTTPStatus) -> str:
    """A status in words, those of RFC 9110: Python's are not the same in each version."""
    return {413: "Content Too Large", 422: "Unprocessable Content"}.get(status, status.phrase)


def problem(
    status: HTTPStatus, detail: str, *, headers: Mapping[str, str] | None = None
) -> Response:
    """A problem object, as RFC 9457 has it."""
    from starlette.responses import Response  # noqa: PLC0415 - not for who only calls

    said = Problem(title=phrase(status), status=status, detail=detail)
    return Response(said.model_dump_json(), status, dict(headers or {}), MEDIA)
