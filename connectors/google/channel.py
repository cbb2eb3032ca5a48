"""The gRPC channel to the Data Manager API."""

from __future__ import annotations

import json
from pathlib import Path

import grpc
from google.ads.datamanager_v1.services.ingestion_service.transports import (
    IngestionServiceGrpcTransport,
)
from google.oauth2 import service_account

from syncd.errors import ConfigError

# Refused rows are named in a trailer; 1,000 of them take 200 KB, and gRPC's own limit of
# 16 KiB would turn that refusal into RESOURCE_EXHAUSTED, which looks like a used-up quota.
_TRAILER_BYTES = 1 << 20

_OPTIONS = (
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_metadata_size", _TRAILER_BYTES),
    # Nobody below the core retries: one attempt is one request. A service config, which
    # DNS may serve, could ask gRPC to. What remains is to choose another connection for a
    # call that never left this machine, and without that a call right after a reset fails.
    ("grpc.service_config_disable_resolution", 1),
    # Each account has its own connection, and its own trouble with it.
    ("grpc.use_local_subchannel_pool", 1),
)


def plaintext(endpoint: str) -> grpc.Channel:
    """A channel without encryption or credentials; the caller saw that it is loopback."""
    return grpc.insecure_channel(endpoint, options=(*_OPTIONS, ("grpc.enable_http_proxy", 0)))


def tls(endpoint: str | None, account: str, credentials: str) -> grpc.Channel:
    """A channel with TLS to `endpoint` (None: Google) that carries a service account's token.

    The token is a JWT signed here, as the stock client does it: there is no token server
    to fail, and a key that Google no longer accepts is answered UNAUTHENTICATED.
    """
    return IngestionServiceGrpcTransport.create_channel(
        endpoint or IngestionServiceGrpcTransport.DEFAULT_HOST,
        credentials=_service_account(account, credentials),
        options=_OPTIONS,
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
    text = credentials
    if not text.startswith("{"):
        try:
            text = Path(text).read_text(encoding="utf-8")
        except (OSError, ValueError):
            raise _unusable(account, "neither JSON nor a file that can be read") from None
    try:
        info = json.loads(text)
    except ValueError:
        raise _unusable(account, "not valid JSON") from None
    if not isinstance(info, dict) or info.get("type") != "service_account":
        raise _unusable(account, "of another type than `service_account`")
    try:
        key: service_account.Credentials = service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]  # google-auth has none
            info, always_use_jwt_access=True
        )
    except ValueError:
        raise _unusable(account, "incomplete, or their private key cannot be read") from None
    return key


def _unusable(account: str, what: str) -> ConfigError:
    return ConfigError(
        f"account {account}: the credentials are {what}; give a service account's JSON key"
    )
