"""A configuration that is good, and platforms to check it against."""

from __future__ import annotations

from collections.abc import Callable

from syncd import settings
from syncd.model import AudienceOption, Option

GOOD = """
shop:
  url: postgresql+psycopg://syncd_ro@db/shop
  password: {file: shop_password}
  default_country: NO
ledger:
accounts:
  meta-eu: {connector: meta, account_id: 0123, access_token: "${META_TOKEN}"}
segments:
  whales: {use: whales, with: {share: 0.8}}
  newsletter: {sql: segments/newsletter.sql}
syncs:
  whales-meta: {segment: whales, account: meta-eu, audience: Whales}
  letter-meta: {segment: newsletter, account: meta-eu, audience: {id: "12"}}
"""

INLINE = "hunter2-very-secret"

Load = Callable[..., settings.Settings]


class Stand:
    """A platform as far as a configuration is checked against it."""

    def __init__(self, *options: Option, made_with: tuple[AudienceOption, ...] = ()) -> None:
        self.options = options
        self.audience_options = made_with


PLATFORMS = {
    "meta": Stand(
        Option("account_id", "the ad account, act_..."),
        Option("access_token", "a system user's token", secret=True),
        Option("app_secret", "the app's secret", required=False, secret=True),
    ),
    "google": Stand(
        Option("customer_id", "ten digits"),
        Option("credentials", "a key", secret=True, on_loopback_only=("anonymous",)),
    ),
}

Refusal = Callable[..., list[str]]
