"""Google customer match through the Data Manager API.

One batch is one `IngestAudienceMembers` or `RemoveAudienceMembers` request; Google
answers with a request id at once and works on it later, in no promised order. It takes
a request whole or not at all; what it drops afterwards it only counts, see `outcome`.

No vendor package is imported here: `connect` does that, so that a command which talks to
nobody does not pay for it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from connectors.google.making import MAX_DAYS
from connectors.google.making import OPTIONS as AUDIENCE_OPTIONS
from connectors.google_account import (
    ANONYMOUS,
    ENDPOINT_ON_LOOPBACK,
    customer_id,
    given,
    on_loopback,
)
from syncd.errors import ConfigError
from syncd.model import HASHED_KINDS, Account, Capabilities, Option
from syncd.ports import Platform

if TYPE_CHECKING:
    from connectors.google.client import GoogleConnector

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
    closes=True,
    smallest=100,  # active in 30 days; 1,000 on YouTube (Ads Data Hub, "Creating audiences")
    # Up to 10 are recommended, also to one destination (Data Manager, "Best practices"); the
    # project's 300 a minute are shared by all of its accounts.
    in_flight=4,
    first_look=timedelta(minutes=30),  # Data Manager, "Diagnostics"
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
    customer = customer_id(account, "customer_id")
    login = customer_id(account, "login_customer_id") if given(account, "login_customer_id") else ""
    plaintext = account.endpoint is not None and on_loopback(account)
    credentials = given(account, "credentials")
    if not credentials:
        raise ConfigError(f"account {account.name}: credentials are missing")
    if credentials == ANONYMOUS and not plaintext:
        raise ConfigError(f"account {account.name}: {ENDPOINT_ON_LOOPBACK}")

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


PLATFORM = Platform(
    name="google",
    title="Google customer match",
    capabilities=CAPABILITIES,
    rules="google",
    options=OPTIONS,
    connect=connect,
    audience_options=AUDIENCE_OPTIONS,
    sizes="the largest count that it states for one of its networks, approximate, and nothing of "
    "small lists; so a match rate that is made of it is an estimate",
    rates="the share of all members ever sent to the list that it matched, in whole percent, up to "
    "days late; nothing of small and new lists. One upload's is a range, beside it in `runs show`",
)
