"""Google customer match through the Google Ads API, for accounts that are still allowed on it.

Since 2026-04-01 Google lets no new developer upload customer match data this way; whoever is
new uses `connector: google`. An upload is one OfflineUserDataJob for each consent that its rows
have: made with the first batch, filled one request after the other, run with the last one.
Google works on a job for hours, and jobs of one list in no promised order.

No vendor package is imported here: `connect` does that, so that a command which talks to
nobody does not pay for it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from connectors.google_account import (
    ANONYMOUS,
    ENDPOINT_ON_LOOPBACK,
    customer_id,
    given,
    on_loopback,
)
from syncd.errors import ConfigError
from syncd.model import Account, AudienceOption, Capabilities, IdentifierKind, Option
from syncd.ports import Platform

if TYPE_CHECKING:
    from connectors.google_ads.client import GoogleAds

__all__ = ["PLATFORM"]

LIFE_SPAN = 540  # days; the most since 2025-04-07, and what a list has that states none

CAPABILITIES = Capabilities(
    # Google's advice is 10,000 identifiers a request, as 5,000 members with two; refused are
    # more than 100,000 ("Get started with Customer Match", TOO_MANY_USER_IDENTIFIERS).
    max_rows=5_000,
    max_identifiers=20,
    kinds=frozenset(IdentifierKind),
    answers="later",
    ordered=False,
    consent="member",
    lifespan=timedelta(days=LIFE_SPAN),
    advises=True,
    closes=True,
    smallest=100,  # active in 30 days; 1,000 on YouTube (Ads Data Hub, "Creating audiences")
    # "As little as 10 minutes up to 24 hours": google-ads-java 721, which quotes the guide.
    first_look=timedelta(minutes=10),
    # `in_flight` stays 1: operations added to one job at once are answered with
    # CONCURRENT_MODIFICATION (google-ads-python 605).
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
    Option(
        "developer_token",
        "sent if given; Google looks at the credentials' project instead since 2026-09-09",
        required=False,
        secret=True,
    ),
    Option(
        "api_version",
        "of the Google Ads API, as v26, which is the default; `syncd status` says when it is old",
        required=False,
    ),
)

AUDIENCE_OPTIONS = (
    AudienceOption("description", "what people read of it in Google Ads"),
    AudienceOption(
        "membership_days",
        f"days for which a member stays who is not sent again; {LIFE_SPAN} if not given",
        kind="number",
        least=1,
        most=LIFE_SPAN,
    ),
    AudienceOption(
        "upload_key",
        "what it is matched by, for good: contact_info if not given, crm_id (a sync's "
        "`identifiers: [external_id]`) or mobile_id (`identifiers: [device_id]`)",
        words=("contact_info", "crm_id", "mobile_id"),
    ),
    AudienceOption("app_id", "of the app whose mobile ids it takes; only with mobile_id"),
)


def connect(account: Account, randbits: Callable[[int], int]) -> GoogleAds:
    """Build the connector of one account; sends nothing.

    Raises:
        syncd.errors.ConfigError: An option cannot be used as it stands.
    """
    customer = customer_id(account, "customer_id")
    login = customer_id(account, "login_customer_id") if given(account, "login_customer_id") else ""
    credentials = given(account, "credentials")
    plaintext = account.endpoint is not None and on_loopback(account)
    if not credentials:
        raise ConfigError(f"account {account.name}: credentials are missing")
    if credentials == ANONYMOUS and not plaintext:
        raise ConfigError(f"account {account.name}: {ENDPOINT_ON_LOOPBACK}")

    # Not before here: gRPC and the SDK of one version cost 0.6 s and 100 MiB.
    from connectors.google_ads import api, channel, client  # noqa: PLC0415  # see above

    version = api.checked(account.name, given(account, "api_version"))
    about = api.Headers(login, given(account, "developer_token"))
    if plaintext:
        # No credentials travel over plain text, even if some are configured.
        about, opened = api.Headers(login), channel.plaintext(account.endpoint or "")
        services = api.over(opened, version, customer, about)
    else:
        key = channel.key_of(account.name, credentials)
        opened = channel.tls(account.endpoint, key)
        services = api.over(opened, version, customer, about, refused=lambda: key.refused)
    return client.GoogleAds(services, account.name, randbits)


PLATFORM = Platform(
    name="google_ads",
    title="Google customer match (Google Ads API)",
    capabilities=CAPABILITIES,
    rules="google",
    options=OPTIONS,
    connect=connect,
    audience_options=AUDIENCE_OPTIONS,
    sizes="the larger of the counts that it states for search and display, rounded, and nothing "
    "of small lists; so a match rate that is made of them is an estimate",
    rates="the share of all members ever sent to the list that it matched, in whole percent, up to "
    "days late; nothing of small and new lists. One upload's is a range, beside it in `runs show`",
)
