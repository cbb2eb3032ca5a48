"""Three accounts at once, on one ledger and in one directory: nothing is lost or doubled."""

from __future__ import annotations

import itertools
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import datetime

import pytest

from connectors.memory import Fail, GoThrough, LoseAnswer, MemoryWorld, Step, world
from connectors.sandbox.state import Identifier
from syncd.app import App
from syncd.errors import Unavailable
from syncd.identity.erased import Person
from syncd.leaving import erasure
from tests.integration.commands import Desk, digests, email, wait_until
from tests.integration.daemons import DEADLINE, keeping

_numbers = itertools.count(1)
ACCOUNTS = ("one", "two", "three")
TROUBLE: tuple[Step, ...] = (LoseAnswer(), Fail(Unavailable("memory", "no_answer")), GoThrough())


class House:
    """Four syncs of everyone to three accounts, each a platform of its own; two to the first."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        number = next(_numbers)
        self.worlds = {name: world(f"daemon-{number}-{name}") for name in ACCOUNTS}
        desk.settings["accounts"] = {
            name: {"connector": "memory", "world": f"daemon-{number}-{name}"}
            for name in (*ACCOUNTS, "unused")
        }
        given = desk.settings["syncs"].pop("everyone")
        given |= {"schedule": "every 1m", "guard": {"min_members": 0, "max_removed": "100%"}}
        self.syncs = {"one-1": "one", "one-2": "one", "two-1": "two", "three-1": "three"}
        for sync, account in self.syncs.items():
            desk.settings["syncs"][sync] = {**given, "account": account, "audience": sync}
        desk.save()

    def ask(self, sql: str) -> list[tuple[str, ...]]:
        """What the ledger says."""
        with closing(sqlite3.connect(self.desk.var / "ledger.db")) as ledger:
            return ledger.execute(sql).fetchall()

    def held(self, sync: str) -> frozenset[Identifier]:
        account = self.syncs[sync]
        found = self.worlds[account].audiences.named(account, sync)
        assert len(found) <= 1, "no audience is made twice"
        return found[0].identifiers if found else frozenset()

    def more_runs(self, each: int) -> None:
        """Wait until every sync has run so many times more."""
        before = dict(self.done())
        wait_until(
            lambda: all(self.done().get(s, 0) >= before.get(s, 0) + each for s in self.syncs),
            seconds=DEADLINE,
        )

    def done(self) -> dict[str, int]:
        counted = "SELECT sync, count(*) FROM run WHERE ended_at IS NOT NULL GROUP BY sync"
        return {sync: int(count) for sync, count in self.ask(counted)}


@pytest.fixture
def house(desk: Desk) -> House:
    desk.join(*range(20))
    return House(desk)


def test_accounts_side_by_side_lose_nothing_and_double_nothing(house: House) -> None:
    desk = house.desk
    with keeping(desk.config) as app:
        for day in range(2):
            for one in house.worlds.values():
                one.script(TROUBLE)
            desk.leave(day)
            desk.join(100 + day)
            house.more_runs(1)
        wait_until(lambda: all(_unscripted(one) for one in house.worlds.values()))
        house.more_runs(2)
        wanted = digests(*range(2, 20), *range(100, 102))
        assert {sync: house.held(sync) == wanted for sync in house.syncs} == dict.fromkeys(
            house.syncs, True
        )
    _accounted_for(house)
    assert desk.process("audit", "verify").code == 0
    assert app.directory == desk.var


def _unscripted(one: MemoryWorld) -> bool:
    return not one._steps


def _accounted_for(house: House) -> None:
    """Each request has its intent, each run its end, and no sync ran twice at a time."""
    runs = house.ask("SELECT sync, state, actor, started_at, ended_at FROM run ORDER BY number")
    assert {actor for _, _, actor, _, _ in runs} == {"schedule"}
    assert {state for _, state, _, _, _ in runs} <= {"done", "failed"}
    for sync in house.syncs:
        own = [(start, end) for name, _, _, start, end in runs if name == sync]
        moments = [datetime.fromisoformat(at) for both in own for at in both]
        assert moments == sorted(moments), f"two runs of {sync} at a time"
    ((attempts,),) = house.ask("SELECT count(*) FROM attempt")
    assert int(attempts) == sum(one.pushes for one in house.worlds.values())
    assert house.ask("SELECT id FROM batch WHERE state IN ('unknown', 'sending')") == []


def test_files_that_others_write_stay_and_none_piles_up(house: House) -> None:
    """Without the rule that a sweep spares what other threads write, a run loses its files."""
    with keeping(house.desk.config) as app:
        house.more_runs(2)
    why = "SELECT detail FROM run WHERE state = 'failed' AND detail NOT LIKE '%told to end%'"
    assert house.ask(why) == []
    assert len(_files(app)) <= 3 * len(house.syncs)


def _files(app: App) -> set[str]:
    suffixes = {".plan", ".members", ".snapshot", ".tmp"}
    return {path.name for path in app.directory.iterdir() if path.suffix in suffixes}


def test_an_erasure_is_carried_out_by_a_daemon_in_every_account_once(house: House) -> None:
    with keeping(house.desk.config) as app:
        house.more_runs(1)
        asked = erasure.ask(app.desk(), Person((email(7),), (), ()), actor="anna")
        everywhere = {"one": 3, "two": 2, "three": 2, "unused": 1}
        wait_until(lambda: _reached(app) == everywhere)
        assert all(not one.trouble for one in app.ledger.erasures.told(asked.id))
        house.more_runs(1)
    erased = digests(7, phones=False)
    assert not any(house.held(sync) & erased for sync in house.syncs)
    carried = "SELECT detail FROM audit_event WHERE kind = 'erasure_carried_out'"
    assert len(house.ask(carried)) == len(set(house.ask(carried)))


def _reached(app: App) -> Counter[str]:
    """Places of each account from which the person was removed: audiences, and the whole."""
    (asked,) = app.ledger.erasures.open()
    told = app.ledger.erasures.told(asked.id)
    return Counter(one.account for one in told if one.removed_at is not None)


def test_a_denied_account_delays_no_other(house: House) -> None:
    house.worlds["two"].denied = True
    with keeping(house.desk.config):
        wanted = digests(*range(20))
        free = [sync for sync, account in house.syncs.items() if account != "two"]
        wait_until(lambda: all(house.held(sync) == wanted for sync in free), seconds=DEADLINE)
    assert not house.held("two-1")
    denied = house.ask("SELECT DISTINCT state, actor FROM run WHERE sync LIKE 'two-%'")
    assert denied == [("failed", "schedule")]


def test_what_goes_wrong_is_written_down_as_a_command_does_it(house: House) -> None:
    """A guard that holds, a segment that fails, an account that is denied, one that is well."""
    desk = house.desk
    for sync in house.syncs:
        assert desk.syncd("sync", sync).code == 0
    desk.leave(*range(15))
    desk.settings["syncs"]["one-1"]["guard"] = {"min_members": 0, "max_removed": "10%"}
    desk.sql("broken", "SELECT customer_key, email FROM nowhere")
    desk.settings["segments"]["broken"] = {"sql": "segments/broken.sql"}
    desk.settings["syncs"]["one-2"]["segment"] = "broken"
    house.worlds["two"].denied = True
    desk.save()
    first = int(house.ask("SELECT max(number) FROM run")[0][0])
    with keeping(desk.config):
        wanted = {"one-1": "held", "one-2": "failed", "two-1": "failed", "three-1": "done"}
        wait_until(lambda: wanted.items() <= _written(house, first).items(), seconds=DEADLINE)
    by_daemon = {sync: _kinds(house, sync, first) for sync in wanted}

    first = int(house.ask("SELECT max(number) FROM run")[0][0])
    answer = desk.syncd("sync", *wanted, "--scheduled")
    assert answer.code == 77, "the gravest"
    states = _written(house, first)
    assert {sync: states[sync] for sync in wanted} == wanted
    assert {sync: _kinds(house, sync, first) for sync in wanted} == by_daemon


def _written(house: House, first: int) -> dict[str, str]:
    """How the first run of each sync after a run ended."""
    asked = f"SELECT sync, state FROM run WHERE number > {first} AND ended_at IS NOT NULL"
    return {row[0]: row[1] for row in reversed(house.ask(f"{asked} ORDER BY number"))}


def _kinds(house: House, sync: str, first: int) -> list[tuple[str, ...]]:
    """What the audit says of that run, and by whom."""
    ((run,),) = house.ask(
        f"SELECT id FROM run WHERE number > {first} AND sync = '{sync}' ORDER BY number LIMIT 1"
    )
    return house.ask(f"SELECT kind, actor FROM audit_event WHERE run = '{run}' ORDER BY number")
