"""Google customer match through the Data Manager API.

One batch is one `IngestAudienceMembers` or `RemoveAudienceMembers` request; Google
answers with a request id at once and works on it later, in no promised order. It takes
a request whole or not at all; what it drops afterwards it only counts, see `outcome`.

No vendor package is imported here: `connect` does that, so that a command which talks to
nobody does not pay for it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from connectors.google.making import MAX_DAYS
from connectors.google.making import OPTIONS as AUDIENCE_OPTIONS
from syncd.errors import ConfigError
from syncd.model import HASHED_KINDS, Account, Capabilities, Option
from syncd.ports import Platform

if TYPE_CHECKING:
    from connectors.google.client import GoogleConnector

ANONYMOUS = "anonymous"

# Members a request and identifiers a member: Data Manager reference, v1.8 (2026-07-30).
CAPABILITIES = Capabilities(
    max_rows=10_000,
    max_identifiers=10,
    kinds=frozenset(HASHED_KINDS),
    answers="later",
    ordered=False,
    consent="member",
    lifespan=timedelta(days=MAX_DAYS),  # what a list without a duration of its own has
    replace="cutoff",
    advises=True,
)

OPTIONS = (
    Option("customer_id", "the Google Ads account, 10 digits; dashes are dropped"),
    Option(
        "login_customer_id",
        "the manager account through which it is reached, if it is",
        required=False,
    ),
    Option(
        "credentials",
        "a service account's key: its JSON, or the absolute path of its file",
        secret=True,
        on_loopback_only=(ANONYMOUS,),
    ),
)


def connect(account: Account, randbits: Callable[[int], int]) -> GoogleConnector:
    """Build the connector of one account; sends nothing.

    Raises:
        syncd.errors.ConfigError: An option cannot be used as it stands.
    """
    customer = _customer(account, "customer_id")
    login = _customer(account, "login_customer_id") if _given(account, "login_customer_id") else ""
    plaintext = account.endpoint is not None and _on_loopback(account, account.endpoint)
    credentials = account.options.get("credentials", "").strip()
    if not credentials:
        raise ConfigError(f"account {account.name}: credentials are missing")
    if credentials == ANONYMOUS and not plaintext:
        raise ConfigError(
            f"account {account.name}: credentials `{ANONYMOUS}` need an endpoint on loopback"
        )

    # Not before here: gRPC and the SDK cost 0.2 s and 55 MiB.
    from connectors.google import channel, client, quota  # noqa: PLC0415  # see above

    if plaintext:
        # No credentials travel over plain text, even if some are configured.
        opened = channel.plaintext(account.endpoint or "")
    else:
        opened = channel.tls(account.endpoint, account.name, credentials)
    return client.over(
        opened,
        account=account.name,
        customer=customer,
        login=login,
        randbits=randbits,
        project=quota.PROJECTS.of(name) if (name := channel.project_of(credentials)) else None,
    )


def _given(account: Account, option: str) -> bool:
    return bool(account.options.get(option, "").strip())


def _customer(account: Account, option: str) -> str:
    """Ten digits, as the API wants them; people copy them with dashes."""
    value = account.options.get(option, "").strip().replace("-", "")
    if len(value) == 10 and value.isascii() and value.isdigit():  # noqa: PLR2004  # ids have 10
        return value
    raise ConfigError(
        f"account {account.name}: {option} must be 10 digits, with or without dashes; "
        f"it has {len(value)} characters"
    )


def _on_loopback(account: Account, endpoint: str) -> bool:
    host, colon, port = endpoint.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (colon and host and port.isascii() and port.isdigit()) or "/" in host:
        raise ConfigError(f"account {account.name}: endpoint must be HOST:PORT, no scheme, no path")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


PLATFORM = Platform(
    name="google",
    title="Google customer match",
    capabilities=CAPABILITIES,
    rules="google",
    options=OPTIONS,
    connect=connect,
    audience_options=AUDIENCE_OPTIONS,
    sizes="the largest count that it states for one of its networks, approximate, and nothing of "
    "small lists; so a match rate is an estimate",
)
