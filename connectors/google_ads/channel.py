"""The gRPC channel to the Google Ads API."""

from __future__ import annotations

import grpc
from google.api_core import grpc_helpers
from google.auth.exceptions import RefreshError
from google.auth.transport import Request
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


class Key(service_account.Credentials):
    """A service account that remembers whether Google's token server refused it for good.

    gRPC tells of that as of any failure to get a token: UNAVAILABLE, and prose.
    """

    refused = False

    def refresh(self, request: Request) -> None:
        """Get a new token."""
        try:
            super().refresh(request)  # type: ignore[no-untyped-call]  # google-auth has none
        except RefreshError as error:
            self.refused = not error.retryable
            raise
        self.refused = False


def tls(endpoint: str | None, key: Key) -> grpc.Channel:
    """A channel with TLS to `endpoint` (None: Google) that carries a service account's token.

    The token comes from Google's token server, as with the stock client: that the Google Ads
    API takes one that is signed here is not documented.
    """
    return grpc_helpers.create_channel(
        endpoint or HOST, credentials=key, default_host=HOST, options=CHANNEL_OPTIONS
    )


def key_of(account: str, credentials: str) -> Key:
    """A service account from its JSON or its file.

    Raises:
        syncd.errors.ConfigError: It is none.
    """
    info = service_account_info(account, credentials)
    try:
        key: Key = Key.from_service_account_info(info, scopes=(SCOPE,))  # type: ignore[no-untyped-call]  # as above
    except ValueError:
        raise unusable(account, "incomplete, or their private key cannot be read") from None
    return key
