"""What platforms told of accounts, and what they were sent.

Until when to wait, what to see to, and when their credentials end.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Table, delete, func, insert, select, update

from syncd.ledger.tables import attempt, audience, batch, credential, throttle, warning
from syncd.ledger.transactions import Transactions
from syncd.ports import Clock

# Platforms warn with every answer, or with those of some requests only: one that was not
# heard for so long is taken for mended.
HEARD = timedelta(days=7)

_DAY = timedelta(days=1)
_HOUR = len("2026-11-28T09")  # of a moment as text


class Throttle(NamedTuple):
    """When it ends, and the platform's code for it, or what limit is near."""

    until: datetime
    code: str


class Warned(NamedTuple):
    """When it was last heard, and what is to be seen to."""

    at: datetime
    text: str


class Credential(NamedTuple):
    """When its platform was last asked of an account's credential, and what it stated.

    `ends_at` is as of `stated_at`: None where no end is stated, or nothing yet.
    """

    asked_at: datetime
    stated_at: datetime | None
    ends_at: datetime | None


class Accounts:
    """What one ledger knows of accounts; each method is one transaction."""

    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._tx = transactions
        self._clock = clock

    def throttle(self, platform: str, account: str, until: datetime, code: str) -> None:
        """Note until when an account's requests must wait; the last word counts."""
        self._put(throttle, platform, account, until=until, code=code)

    def throttled(self, platform: str, account: str) -> Throttle | None:
        """Until when an account's requests must wait, and why; None if they need not."""
        query = select(throttle.c.until, throttle.c.code).where(
            throttle.c.platform == platform,
            throttle.c.account == account,
            throttle.c.until > self._clock.now(),
        )
        with self._tx.read() as tx:
            row = tx.execute(query).one_or_none()
        return None if row is None else Throttle(row.until, row.code)

    def sent(self, platform: str, account: str) -> tuple[tuple[timedelta, int], ...]:
        """Requests with rows that an account was sent within a day.

        Returns:
            How many, and how long ago at least; one for each hour of the clock.
        """
        now = self._clock.now()
        query = (
            select(func.substr(attempt.c.started_at, 1, _HOUR).label("hour"), func.count())
            .join(batch, batch.c.id == attempt.c.batch)
            .join(audience, audience.c.pk == batch.c.audience)
            .where(
                audience.c.platform == platform,
                audience.c.account == account,
                attempt.c.started_at > now - _DAY,
            )
            .group_by("hour")
        )
        with self._tx.read() as tx:
            found = tx.execute(query).all()
        ends = ((datetime.fromisoformat(f"{hour}:59:59+00:00"), count) for hour, count in found)
        return tuple((max(now - end, timedelta()), count) for end, count in ends)

    def warn(self, platform: str, account: str, text: str) -> None:
        """Note what a person should see to, as of now; the last word counts."""
        self._put(warning, platform, account, at=self._clock.now(), text=text)

    def warned(self, platform: str, account: str) -> Warned | None:
        """What a person should see to; None if nothing, or not heard for a week."""
        query = select(warning.c.at, warning.c.text).where(
            warning.c.platform == platform,
            warning.c.account == account,
            warning.c.at > self._clock.now() - HEARD,
        )
        with self._tx.read() as tx:
            row = tx.execute(query).one_or_none()
        return None if row is None else Warned(row.at, row.text)

    def ask_of_credential(self, platform: str, account: str) -> None:
        """Note that its platform is asked now when the account's credential ends."""
        kept = self.credential(platform, account)
        if kept is None:
            self._put(credential, platform, account, asked_at=self._clock.now())
            return
        self._amend(platform, account, asked_at=self._clock.now())

    def credential_ends(self, platform: str, account: str, ends_at: datetime | None) -> None:
        """Note the answer, as of now; None where no end is stated. It was asked before."""
        self._amend(platform, account, stated_at=self._clock.now(), ends_at=ends_at)

    def credential(self, platform: str, account: str) -> Credential | None:
        """What is known of when an account's credential ends; None if nobody asked yet."""
        query = select(credential.c.asked_at, credential.c.stated_at, credential.c.ends_at).where(
            credential.c.platform == platform, credential.c.account == account
        )
        with self._tx.read() as tx:
            row = tx.execute(query).one_or_none()
        return None if row is None else Credential(row.asked_at, row.stated_at, row.ends_at)

    def _amend(self, platform: str, account: str, **values: datetime | None) -> None:
        of_account = (credential.c.platform == platform) & (credential.c.account == account)
        with self._tx.write() as tx:
            tx.execute(update(credential).where(of_account).values(**values))

    def _put(self, table: Table, platform: str, account: str, **values: datetime | str) -> None:
        of_account = (table.c.platform == platform) & (table.c.account == account)
        with self._tx.write() as tx:
            tx.execute(delete(table).where(of_account))
            tx.execute(insert(table).values(platform=platform, account=account, **values))
