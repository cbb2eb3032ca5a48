"""A run digests whom it does not know as they are; what comes of it is what ever came of it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.integration.commands import Desk, Hands, email, here
from tests.integration.memory_worlds import MemoryWorlds, Person, memory_world


@pytest.fixture
def filled(desk: Desk) -> Desk:
    """Forty members were sent; one of them has a phone that cannot be used, one denies."""
    desk.join(*range(1, 40), consent="granted")
    desk.join(40, consent="denied")
    desk.change("UPDATE customers SET phone = 'none' WHERE customer_key = 'c:00007'")
    assert desk.syncd("sync", "everyone").code == 0
    return desk


def sealed(desk: Desk, *words: str, clock: Hands | None = None) -> dict[str, Any]:
    """Sync, and give what the log says of the snapshot."""
    answer = desk.syncd("-v", "sync", "everyone", *words, clock=clock)
    assert answer.code == 0, answer.said
    events = [json.loads(line) for line in answer.err.splitlines() if line.startswith("{")]
    (found,) = [one for one in events if one["event"] == "snapshot_sealed"]
    return {name: found[name] for name in ("rows", "usable", "unchanged")}


def last(desk: Desk) -> dict[str, Any]:
    (run, *_) = desk.syncd("runs", "--json").json
    shown: dict[str, Any] = desk.syncd("runs", "show", run["id"], "--json").json
    return shown


def test_who_was_sent_and_did_not_change_is_not_digested(filled: Desk) -> None:
    """But whoever was not sent is, and who has a refused value, which is counted every time."""
    assert sealed(filled) == {"rows": 40, "usable": 40, "unchanged": 38}
    first = last(filled)["snapshot"]["refused"]
    assert sealed(filled) == {"rows": 40, "usable": 40, "unchanged": 38}
    assert last(filled)["snapshot"]["refused"] == first != []

    filled.change("UPDATE customers SET email = ' X@example.com' WHERE customer_key = 'c:00003'")
    filled.leave(4)
    filled.join(41, consent="granted")
    assert sealed(filled) == {"rows": 40, "usable": 40, "unchanged": 36}
    held = {value for kind, value in filled.held() if kind == "email"}
    assert len(held) == 39


def test_a_spelling_that_digests_to_the_same_sends_nothing_and_is_learned(filled: Desk) -> None:
    filled.change("UPDATE customers SET email = upper(email)")
    before = filled.changes()
    assert sealed(filled)["unchanged"] == 0
    assert filled.changes() == before
    assert sealed(filled)["unchanged"] == 38


def test_other_settings_look_at_everyone_once(filled: Desk) -> None:
    filled.sync["guard"] = {"min_members": 1}
    filled.save()
    assert [sealed(filled)["unchanged"] for _ in range(2)] == [0, 38]


def test_whoever_is_erased_is_found_among_those_who_did_not_change(desk: Desk) -> None:
    """By a value that this sync does not even send: everyone is looked at once."""
    clock = Hands()
    desk.sync["identifiers"] = ["phone"]
    desk.save()
    desk.join(*range(1, 21), consent="granted")
    assert desk.syncd("sync", "everyone", clock=clock).code == 0
    assert sealed(desk, clock=clock)["unchanged"] == 20
    given = f"email: {email(9)}\n".encode()
    assert here("erase", config=desk.config, clock=clock, given=given).code == 0
    assert [sealed(desk, clock=clock)["unchanged"] for _ in range(2)] == [0, 19]
    assert len(desk.held()) == 19


def test_a_full_resync_sends_those_too_who_did_not_change(filled: Desk) -> None:
    taken = filled.held()
    filled.audience().remove([taken])  # behind our back
    assert sealed(filled)["unchanged"] == 38
    assert filled.held() == frozenset()
    assert sealed(filled, "--full")["unchanged"] == 38
    assert filled.held() == taken


def test_a_platform_that_asks_more_of_consent_is_told_of_nobody_unasked() -> None:
    """As after an upgrade of its connector: no configuration says so, and no row has changed."""
    with memory_world(later=False, batch_rows=10) as made:
        said_nothing = {f"c:{n}": Person((f"{n}@example.com",), consent="") for n in range(10)}
        made.fill(said_nothing)
        asked = replace(made.world.platform.capabilities, consent="member")
        made.world.platform = replace(
            made.world.platform, capabilities=replace(asked, consent="none")
        )
        assert [unchanged_in(made) for _ in range(2)] == [0, 10]
        made.world.platform = replace(made.world.platform, capabilities=asked)
        assert unchanged_in(made) == 0
        assert made.world.identifiers == frozenset()


def test_a_few_new_spellings_write_no_membership_anew(filled: Desk) -> None:
    """To digest a few in every run costs less than to write all of it; it is learned with more."""
    before = generations(filled)
    assert sealed(filled)["unchanged"] == 38
    filled.change("UPDATE customers SET email = upper(email) WHERE customer_key <= 'c:00003'")
    assert [sealed(filled)["unchanged"] for _ in range(2)] == [35, 35]
    assert generations(filled) == before
    filled.change("UPDATE customers SET email = upper(email) WHERE customer_key <= 'c:00006'")
    assert [sealed(filled)["unchanged"] for _ in range(2)] == [32, 38]
    assert generations(filled) == before + 1


def unchanged_in(made: MemoryWorlds) -> int:
    with capture_logs() as said:
        made.world.sync()
    (found,) = [one for one in said if one["event"] == "snapshot_sealed"]
    return int(found["unchanged"])


def generations(desk: Desk) -> int:
    with closing(sqlite3.connect(desk.var / "ledger.db")) as ledger:
        ((count,),) = ledger.execute("SELECT max(number) FROM generation")
        return int(count)
