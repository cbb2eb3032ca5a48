"""The gRPC channel to the Data Manager API."""

from __future__ import annotations

import json
from pathlib import Path

import grpc
from google.ads.datamanager_v1.services.ingestion_service.transports import (
    IngestionServiceGrpcTransport,
)
from google.oauth2 import service_account

from connectors.google_account import (
    CHANNEL_OPTIONS,
    PLAINTEXT_OPTIONS,
    service_account_info,
    unusable,
)


def plaintext(endpoint: str) -> grpc.Channel:
    """A channel without encryption or credentials; the caller saw that it is loopback."""
    return grpc.insecure_channel(endpoint, options=PLAINTEXT_OPTIONS)


def tls(endpoint: str | None, account: str, credentials: str) -> grpc.Channel:
    """A channel with TLS to `endpoint` (None: Google) that carries a service account's token.

    The token is a JWT signed here, as the stock client does it: there is no token server
    to fail, and a key that Google no longer accepts is answered UNAUTHENTICATED.
    """
    return IngestionServiceGrpcTransport.create_channel(
        endpoint or IngestionServiceGrpcTransport.DEFAULT_HOST,
        credentials=_service_account(account, credentials),
        options=CHANNEL_OPTIONS,
    )


def project_of(credentials: str) -> str:
    """The Google Cloud project whose quotas a service account's requests count against.

    "" where that is not known: of credentials that are none, which `tls` refuses.
    """
    try:
        text = credentials
        if not text.startswith("{"):
            text = Path(text).read_text(encoding="utf-8")
        info = json.loads(text)
    except (OSError, ValueError):
        return ""
    if not isinstance(info, dict):
        return ""
    named = (info.get(key) for key in ("quota_project_id", "project_id", "client_email"))
    return next((str(each) for each in named if each), "")


def _service_account(account: str, credentials: str) -> service_account.Credentials:
    """A service account from its JSON or its file; messages never quote either."""
    info = service_account_info(account, credentials)
    try:
        key: service_account.Credentials = service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]  # google-auth has none
            info, always_use_jwt_access=True
        )
    except ValueError:
        raise unusable(account, "incomplete, or their private key cannot be read") from None
    return key
