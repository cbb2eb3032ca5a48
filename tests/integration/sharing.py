"""Syncs of one segment that may share a read: what the tests of it have in common."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

from tests.integration.commands import Answer, Desk
from tests.integration.known_key import know

PEOPLE = range(30)
SYNCS = ("everyone", "mails", "half", "google")
FREE = {"min_members": 0, "max_removed": "100%"}


def given(desk: Desk) -> None:
    """Four syncs of one segment: two of one shape, one arm of it, and one of other digests."""
    know(desk)
    desk.settings["segments"]["everyone"] |= {"holdout": "20%", "arms": ["a", "b"]}
    desk.sync["guard"] = FREE
    desk.also("mails", identifiers=["email"], audience="Mails")
    desk.also("half", arm="a", audience="Half")
    desk.also("google", account="google", audience="Google")


def asked(desk: Desk, sql: str) -> list[tuple[Any, ...]]:
    """What the ledger says."""
    with closing(sqlite3.connect(desk.var / "ledger.db")) as ledger:
        return ledger.execute(sql).fetchall()


def reads(desk: Desk) -> int:
    """How many moments snapshots are of: a read each."""
    ((count,),) = asked(desk, "SELECT count(DISTINCT as_of) FROM snapshot")
    return int(count)


def snapshots(desk: Desk) -> int:
    ((count,),) = asked(desk, "SELECT count(*) FROM snapshot")
    return int(count)


def held(desk: Desk) -> dict[str, object]:
    found = {name: desk.held(name) for name in ("Everyone", "Mails", "Half")}
    return {**found, "Google": desk.held("Google", google=True)}


def sync(desk: Desk, *names: str, code: int = 0) -> Answer:
    answer = desk.syncd("sync", *(names or SYNCS), "--json")
    assert answer.code == code, answer.said
    return answer


def states(desk: Desk) -> dict[str, str]:
    """How the last run of each sync ended."""
    return dict(asked(desk, "SELECT sync, state FROM run ORDER BY number"))
