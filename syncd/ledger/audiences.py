"""Which audience belongs to which sync."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, bindparam, insert, select, update

from syncd.errors import ConfigError
from syncd.ledger.tables import audience
from syncd.model import Audience

# Asked at almost every step: made once.
_KNOWN = select(audience).where(
    audience.c.platform == bindparam("in_platform"),
    audience.c.account == bindparam("in_account"),
    audience.c.id == bindparam("named"),
)
_OF_SYNC = (
    select(audience)
    .where(audience.c.sync == bindparam("by"), audience.c.state == "active")
    .order_by(audience.c.pk.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class KnownAudience:
    """An audience that the ledger has seen.

    Attributes:
        sync: Who fills it; "" for an orphan, whose sync went on to another audience.
        state: `retired` once it was emptied for good.
        adopted: Taken over although it may hold others.
        ours: Made, adopted or filled by us; what is in it needs no asking.
        claimed_at: When the sync that fills it began to.
        lifespan: For how long the platform keeps a member who is not sent again; None if it
            did not say when it was claimed.
        refreshed_at: Up to when its members were sent again before they expire; None until
            the first one is due.
        replace_begun_at: Since when nobody in it is certain, because a request to replace
            all of it was begun; None once that was done.
        replace_sent_at: When everyone was sent who is to be in it afterwards.
        retiring_at: Since when it is being emptied for good.
        takes_out: Others fill it, and what is kept of it is whom a sync took out (mode: remove).
    """

    pk: int
    platform: str
    account: str
    id: str
    name: str
    sync: str
    state: Literal["active", "retired"]
    adopted: bool
    ours: bool
    claimed_at: datetime
    lifespan: timedelta | None = None
    refreshed_at: datetime | None = None
    replace_begun_at: datetime | None = None
    replace_sent_at: datetime | None = None
    retiring_at: datetime | None = None
    takes_out: bool = False


def claim(
    tx: Connection,
    wanted: Audience,
    sync: str,
    *,
    known_syncs: frozenset[str],
    created: bool,
    now: datetime,
    takes_out: bool = False,
) -> bool:
    """Give an audience to a sync, and say whether that changed anything.

    A sync fills one audience: any other that it filled is left an orphan, still known.

    Raises:
        syncd.errors.ConfigError: A sync that is still configured fills it.
    """
    found = known(tx, wanted.platform, wanted.account, wanted.id)
    if found is None:
        first = {**_first(wanted, sync), "takes_out": takes_out}
        tx.execute(insert(audience).values(**first, ours=created, claimed_at=now))
        _orphan_others(tx, sync, wanted)
        return True
    mine = found.sync == sync and found.state == "active"
    if not mine and found.state == "active" and found.sync in known_syncs - {sync}:
        raise ConfigError(
            f"audience {wanted.name!r} ({wanted.platform} {wanted.account} {wanted.id}) is "
            f"already filled by sync {found.sync!r}; sync {sync!r} needs an audience of its own"
        )
    changes: dict[str, object] = {
        "name": wanted.name,
        "ours": found.ours or created,
        "retiring_at": None,
        "takes_out": takes_out,
    }
    if wanted.lifespan is not None:
        changes["lifespan_days"] = wanted.lifespan.days
    if not mine:
        changes |= {"sync": sync, "state": "active", "claimed_at": now}
    tx.execute(update(audience).where(audience.c.pk == found.pk).values(**changes))
    _orphan_others(tx, sync, wanted)
    return not mine


def _first(wanted: Audience, sync: str) -> Mapping[str, object]:
    return {
        "platform": wanted.platform,
        "account": wanted.account,
        "id": wanted.id,
        "name": wanted.name,
        "sync": sync,
        "state": "active",
        "adopted": False,
        "lifespan_days": None if wanted.lifespan is None else wanted.lifespan.days,
    }


def _orphan_others(tx: Connection, sync: str, wanted: Audience) -> None:
    same = (
        (audience.c.platform == wanted.platform)
        & (audience.c.account == wanted.account)
        & (audience.c.id == wanted.id)
    )
    tx.execute(update(audience).where(audience.c.sync == sync, ~same).values(sync=""))


def known(tx: Connection, platform: str, account: str, audience_id: str) -> KnownAudience | None:
    """The audience, or None if the ledger never saw it."""
    named = {"in_platform": platform, "in_account": account, "named": audience_id}
    row = tx.execute(_KNOWN, named).mappings().one_or_none()
    return None if row is None else _known(row)


def needed(tx: Connection, platform: str, account: str, audience_id: str) -> KnownAudience:
    """The audience, which the caller has claimed before.

    Raises:
        ValueError: It was not; our bug.
    """
    found = known(tx, platform, account, audience_id)
    if found is None:
        raise ValueError(f"no sync claimed the audience {platform} {account} {audience_id}")
    return found


def of_sync(tx: Connection, sync: str) -> KnownAudience | None:
    """The audience that a sync fills now, or None."""
    row = tx.execute(_OF_SYNC, {"by": sync}).mappings().one_or_none()
    return None if row is None else _known(row)


def every(tx: Connection) -> tuple[KnownAudience, ...]:
    """All audiences, first claimed first."""
    rows = tx.execute(select(audience).order_by(audience.c.pk)).mappings()
    return tuple(_known(row) for row in rows)


def change(tx: Connection, pk: int, **values: Any) -> None:  # noqa: ANN401 - columns differ in type
    """Set columns of one audience."""
    tx.execute(update(audience).where(audience.c.pk == pk).values(**values))


def _known(row: RowMapping) -> KnownAudience:
    return KnownAudience(
        pk=row["pk"],
        platform=row["platform"],
        account=row["account"],
        id=row["id"],
        name=row["name"],
        sync=row["sync"],
        state=row["state"],
        adopted=row["adopted"],
        ours=row["ours"],
        claimed_at=row["claimed_at"],
        lifespan=None if row["lifespan_days"] is None else timedelta(days=row["lifespan_days"]),
        refreshed_at=row["refreshed_at"],
        replace_begun_at=row["replace_begun_at"],
        replace_sent_at=row["replace_sent_at"],
        retiring_at=row["retiring_at"],
        takes_out=row["takes_out"],
    )
