"""The gRPC channel to the Google Ads API."""

from __future__ import annotations

import grpc
from google.api_core import grpc_helpers
from google.oauth2 import service_account

from connectors.google_account import (
    CHANNEL_OPTIONS,
    PLAINTEXT_OPTIONS,
    service_account_info,
    unusable,
)

HOST = "googleads.googleapis.com:443"
SCOPE = "https://www.googleapis.com/auth/adwords"


def plaintext(endpoint: str) -> grpc.Channel:
    """A channel without encryption or credentials; the caller saw that it is loopback."""
    return grpc.insecure_channel(endpoint, options=PLAINTEXT_OPTIONS)


def tls(endpoint: str | None, account: str, credentials: str) -> grpc.Channel:
    """A channel with TLS to `endpoint` (None: Google) that carries a service account's token.

    The token is a JWT signed here: there is no token server to fail, and a key that Google no
    longer accepts is answered UNAUTHENTICATED.
    """
    info = service_account_info(account, credentials)
    try:
        key = service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]  # google-auth has none
            info, scopes=(SCOPE,), always_use_jwt_access=True
        )
    except ValueError:
        raise unusable(account, "incomplete, or their private key cannot be read") from None
    return grpc_helpers.create_channel(
        endpoint or HOST, credentials=key, default_host=HOST, options=CHANNEL_OPTIONS
    )
