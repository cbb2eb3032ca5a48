"""Where the demo's story happens: a directory, a configuration, a clock and a log."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from syncd.errors import SyncdError, UsageError
from syncd.local import LocalPlatforms

DAY = timedelta(days=1)
ZONE = "Europe/Amsterdam"
COUNTRY = "NL"
NAP = 0.05  # seconds for which a wait really lasts
PAGE = "page"  # where the page is published, in the demo's directory
LONGEST = 60.0  # seconds that the waits of one chapter may really last

# Written as an operator would. `poll` is short because the local Google answers in a
# moment. Carts come and go within days, so their guard is wider than the default.
_CONFIGURATION = """\
# Written by `syncd demo`. The platforms of this file ended with it.
shop:
  url: "sqlite:///{folder}/shop.db"
  timezone: {zone}
  default_country: {country}
ledger:
  url: "sqlite:///{folder}/var/ledger.db"
  directory: "{folder}/var"
accounts:
  meta-local:
    connector: meta
    account_id: act_1
    access_token: sandbox-token
    endpoint: {meta}
  google-local:
    connector: google
    customer_id: "1234567890"
    credentials: anonymous
    endpoint: {google}
page: {{directory: "{folder}/{page}"}}
segments:
  all-customers: {{use: all_customers, holdout: 10%}}
  win-back: {{use: win_back}}
  cart-abandoners: {{use: cart_abandoners}}
syncs:
  all-customers-meta:
    {{segment: all-customers, account: meta-local, audience: All customers}}
  all-customers-google:
    {{segment: all-customers, account: google-local, audience: All customers, poll: 1s}}
  win-back-meta:
    {{segment: win-back, account: meta-local, audience: Win back}}
  win-back-google:
    {{segment: win-back, account: google-local, audience: Win back, poll: 1s}}
  cart-abandoners-meta:
    segment: cart-abandoners
    account: meta-local
    audience: Cart abandoners
    guard: {{max_removed: 70%, min_members: 5}}
  cart-abandoners-google:
    segment: cart-abandoners
    account: google-local
    audience: Cart abandoners
    guard: {{max_removed: 70%, min_members: 5}}
    poll: 1s
"""


class StoryClock:
    """A clock that the story moves, a day at a time.

    It stands still in between, so that nothing changes in a segment because a run took
    longer. Waits are cut short: a retry of the demo is as many attempts as any other,
    only sooner.
    """

    def __init__(self, moment: datetime) -> None:
        self._moment = moment
        self._waited = 0.0

    def now(self) -> datetime:
        """The moment at which the story is."""
        return self._moment

    def sleep(self, seconds: float) -> None:
        """Wait, but not for as long as was asked.

        Raises:
            syncd.errors.SyncdError: This chapter has waited for too long already.
        """
        nap = min(seconds, NAP)
        self._waited += nap
        if self._waited > LONGEST:
            raise SyncdError(f"the local platforms left the demo waiting for {LONGEST:.0f} s")
        time.sleep(nap)

    def pass_a_day(self) -> datetime:
        """Turn the hands to the same time tomorrow."""
        self._moment += DAY
        self._waited = 0.0
        return self._moment


def clock(as_of: datetime | None) -> StoryClock:
    """A clock that stands at a moment, or at this very second."""
    return StoryClock((as_of or datetime.now(UTC)).replace(microsecond=0))


def local_time(moment: datetime) -> str:
    """A moment as the shop's clocks show it."""
    return f"{moment.astimezone(ZoneInfo(ZONE)):%A %d %B, %H:%M}"


@contextmanager
def directory(keep: Path | None) -> Iterator[Path]:
    """A directory for all files: one to keep, or one that is deleted in the end.

    Raises:
        syncd.errors.UsageError: There is something in the one to keep.
    """
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="syncd-demo-") as made:
            yield Path(made)
        return
    if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise UsageError(f"{keep} is not an empty directory: name another, or empty it")
    keep.mkdir(parents=True, exist_ok=True)
    yield keep.resolve()


def configure(folder: Path, local: LocalPlatforms) -> Path:
    """Write the configuration."""
    written = folder / "syncd.yaml"
    text = _CONFIGURATION.format(
        folder=folder,
        page=PAGE,
        zone=ZONE,
        country=COUNTRY,
        meta=local.meta_endpoint,
        google=local.google_endpoint,
    )
    written.write_text(text, "utf-8")
    return written


@contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """Write the log to a file, so that it does not stand between the story's lines."""
    import logging  # noqa: PLC0415 - with the next, for the length of the story
    import os  # noqa: PLC0415

    import structlog  # noqa: PLC0415

    from syncd.logs import set_up  # noqa: PLC0415

    before = structlog.get_config()
    with path.open("w", encoding="utf-8") as file:
        set_up(file, os.environ, level=logging.INFO)
        try:
            yield
        finally:
            structlog.configure(**before)
