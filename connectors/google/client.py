"""The connector: calls of the Data Manager API, each once and with a deadline."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import grpc
from google.ads.datamanager_v1 import IngestionServiceClient, UserListServiceClient, types
from google.ads.datamanager_v1.services.ingestion_service.transports import (
    IngestionServiceGrpcTransport,
)
from google.ads.datamanager_v1.services.user_list_service.transports import (
    UserListServiceGrpcTransport,
)

from connectors.google import errors, lists, wire
from connectors.google.calls import Use, told
from connectors.google.examine import examine
from connectors.google.quota import Kind, Project
from connectors.google.upload import GoogleUpload
from syncd.errors import AudienceUnusable, PlatformError
from syncd.model import (
    NO_OPTIONS,
    Advice,
    Audience,
    AudienceOptions,
    Finding,
    Operation,
    Outcome,
    Receipt,
)

# 10,000 members with all identifiers are 6 MB; a slow line takes a while for that.
UPLOAD_SECONDS = 120.0
QUESTION_SECONDS = 60.0
_PAGE = 1_000

# Reasons that say "no such request, or not any more".
_FORGOTTEN = ("INVALID_REQUEST_ID", "REQUEST_TOO_OLD", "NOT_FOUND")

# At DEBUG these print whole requests, digests included.
_TALKATIVE = (
    "google",
    "google.ads.datamanager_v1",
    "google.ads.datamanager_v1.services.ingestion_service.transports.grpc",
    "google.ads.datamanager_v1.services.user_list_service.transports.grpc",
)


def over(
    channel: grpc.Channel,
    *,
    account: str,
    customer: str,
    login: str,
    randbits: Callable[[int], int],
    project: Project | None = None,
    upload_seconds: float = UPLOAD_SECONDS,
    question_seconds: float = QUESTION_SECONDS,
) -> GoogleConnector:
    """The connector of one account over an open channel.

    Args:
        channel: Shared by both services.
        account: Its name in the configuration.
        customer: Ten digits.
        login: The manager account's ten digits, or empty.
        randbits: Draws that many random bits.
        project: Whose quotas its requests count against; None where that is nobody's.
        upload_seconds: Deadline of a request that carries rows.
        question_seconds: Deadline of any other.
    """
    connector = GoogleConnector(
        ingestion=IngestionServiceClient(transport=IngestionServiceGrpcTransport(channel=channel)),
        lists=UserListServiceClient(transport=UserListServiceGrpcTransport(channel=channel)),
        account=account,
        customer=customer,
        login=login,
        randbits=randbits,
        project=project,
        upload_seconds=upload_seconds,
        question_seconds=question_seconds,
    )
    _keep_quiet()
    return connector


def _keep_quiet() -> None:
    """Set the SDK's loggers above DEBUG, after its client had its say about them."""
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.WARNING))
    # Of an answer that cannot be read it logs a traceback; our error says the same.
    logging.getLogger("grpc._common").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class GoogleConnector:
    """One Google Ads account; see `syncd.ports.Connector`."""

    ingestion: IngestionServiceClient = field(repr=False)
    lists: UserListServiceClient = field(repr=False)
    account: str
    customer: str
    login: str
    randbits: Callable[[int], int] = field(repr=False)
    project: Project | None = field(repr=False)
    upload_seconds: float
    question_seconds: float

    def find(self, name: str) -> tuple[Audience, ...]:
        """All user lists of exactly this name, whatever their type: names are unique."""
        request = types.ListUserListsRequest(
            parent=wire.parent(self.customer), page_size=_PAGE, filter=_named(name)
        )
        found = told(lambda: self._all(request), self._use("list reads"), of_account=True)
        # Whether the filter minds case and spaces is not documented; here they count.
        return tuple(lists.audience(one, self.account) for one in found if one.display_name == name)

    def _all(self, request: types.ListUserListsRequest) -> list[types.UserList]:
        found: list[types.UserList] = []
        for number, page in enumerate(
            self.lists.list_user_lists(request, **self._question()).pages
        ):
            if number:  # each further page is a request of its own
                self._use("list reads").count()
            found += page.user_lists
        return found

    def read(self, audience_id: str) -> Audience:
        """The user list with this id.

        Raises:
            syncd.errors.AudienceUnusable: Gone, or it takes no members of ours.
        """
        if not (audience_id.isascii() and audience_id.isdigit()):
            raise AudienceUnusable(
                errors.PLATFORM, "INVALID_USER_LIST_ID", hint="an id is a number; correct it"
            )
        request = types.GetUserListRequest(
            name=f"{wire.parent(self.customer)}/userLists/{audience_id}"
        )
        found = told(
            lambda: self.lists.get_user_list(request, **self._question()), self._use("list reads")
        )
        lists.check(found)
        return lists.audience(found, self.account)

    def create(self, name: str, options: AudienceOptions = NO_OPTIONS) -> Audience:
        """Make an empty user list for contact data."""
        request = lists.new_list(self.customer, name, options)
        made = told(
            lambda: self.lists.create_user_list(request, **self._question()),
            self._use("list changes"),
            of_account=True,
        )
        return lists.audience(made, self.account, made=True)

    def open(self, audience_id: str, operation: Operation, *, rows: int) -> GoogleUpload:  # noqa: ARG002  # Google needs no total
        """Begin an upload; Google has no session for it, so the label stays with us."""
        return GoogleUpload(
            label=f"{operation.value}-{self.randbits(64):016x}",
            destination=wire.Destination(self.customer, self.login, audience_id),
            operation=operation,
            ingestion=self.ingestion,
            use=self._use("uploads"),
            seconds=self.upload_seconds,
        )

    def outcome(self, reference: str) -> Outcome:
        """What became of the request with this id.

        An id that Google does not know, or no more (50 days), is forgotten: sending its
        rows again is harmless, and trusting that they went in, or did not, is not.
        """
        request = types.RetrieveRequestStatusRequest(request_id=reference)
        try:
            response = told(
                lambda: self.ingestion.retrieve_request_status(
                    request, retry=None, timeout=self.question_seconds
                ),
                self._use("statuses"),
            )
        except PlatformError as error:
            if error.code.rpartition("/")[2] in _FORGOTTEN:
                return Outcome("forgotten")
            raise
        return wire.outcome(response)

    def cut(self, audience_id: str, before: datetime) -> Receipt:
        """Take out whoever was last added before a moment; `outcome` tells what became of it.

        Raises:
            syncd.errors.PlatformError: Nothing, or nothing known, of it was taken.
        """
        destination = wire.Destination(self.customer, self.login, audience_id)
        request = wire.cut(destination, before)
        # The SDK's own defaults are no retry and no end: the one is meant, the other not.
        response = told(
            lambda: self.ingestion.remove_all_audience_members(
                request, retry=None, timeout=self.question_seconds
            ),
            self._use("uploads"),
        )
        if not response.request_id:
            raise errors.malformed("no request id")
        return Receipt(received=0, reference=str(response.request_id), final=False)

    def advice(self) -> Advice:
        """What was asked for of late, by every account of the project, says of its quotas."""
        return self.project.advice if self.project is not None else Advice()

    def recall(self, sent: Callable[[], Iterable[tuple[timedelta, int]]]) -> None:
        """Count what earlier processes sent this account within a day."""
        if self.project is not None:
            self.project.recall(self.customer, sent)

    def examine(self, audience_ids: Sequence[str]) -> tuple[Finding, ...]:
        """Whether the account answers with these credentials, and how these user lists are.

        One request for the account, and two a list: the second tries an upload, which Google
        checks and does not carry out.
        """
        return examine(audience_ids, account=self._answers, read=self.read, upload=self._try)

    def expiry(self) -> datetime | None:
        """None: a service account's key works until somebody deletes it, and states no end."""
        return None

    def _answers(self) -> None:
        request = types.ListUserListsRequest(parent=wire.parent(self.customer), page_size=1)
        told(
            lambda: self.lists.list_user_lists(request, **self._question()),
            self._use("list reads"),
            of_account=True,
        )

    def _try(self, audience_id: str) -> None:
        request = wire.trial(wire.Destination(self.customer, self.login, audience_id))
        told(
            lambda: self.ingestion.ingest_audience_members(
                request, retry=None, timeout=self.question_seconds
            ),
            self._use("uploads"),
        )

    def _use(self, kind: Kind) -> Use:
        return Use(kind, self.project)

    def _question(self) -> dict[str, Any]:
        """Call arguments of the list service; it takes the manager account as a header."""
        header = (("login-account", wire.parent(self.login)),) if self.login else ()
        return {"retry": None, "timeout": self.question_seconds, "metadata": header}


def _named(name: str) -> str:
    r"""A filter on the name (AIP-160), or none where quoting it is not documented."""
    return (
        "" if set(name) & set('"\\') else f"display_name = {json.dumps(name, ensure_ascii=False)}"
    )
