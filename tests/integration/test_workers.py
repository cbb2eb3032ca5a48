"""Accounts side by side, on a real ledger and in real threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from queue import Queue
from zoneinfo import ZoneInfo

import pytest

from syncd.ledger.store import Ledger
from syncd.service.agenda import Agenda
from syncd.service.workers import Ended, Workers
from syncd.settings import After, Every, Schedule
from tests.integration.ledger_databases import Hands, new_database, new_ledger

HOURLY = Every(timedelta(hours=1))
DEADLINE = 20  # seconds; only a failing test takes so long


class Scene:
    """Syncs whose name begins with their account's; one hangs where `hang` names it."""

    def __init__(self, ledger: Ledger, clock: Hands) -> None:
        self.clock = clock
        schedules: dict[str, Schedule] = {
            "meta-a": HOURLY,
            "meta-b": HOURLY,
            "google-a": HOURLY,
            "google-after": After("google-a"),
        }
        self.agenda = Agenda(ledger.due, schedules, ZoneInfo("UTC"), clock)
        self.workers = Workers(self.agenda, lambda sync: sync.split("-")[0], self.run)
        self.begun, self.ended = Queue[str](), Queue[str]()
        self.hang, self.go = "", threading.Event()
        self.says: Ended | datetime = Ended.SUCCEEDED
        self.agenda.look()
        clock.at += timedelta(seconds=31)

    def run(self, sync: str) -> Ended | datetime:
        self.begun.put(sync)
        if sync.startswith(self.hang or "nobody"):
            assert self.go.wait(DEADLINE)
        self.ended.put(sync)
        if self.says is Ended.FAILED:
            raise RuntimeError("a bug")
        return self.says


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    clock = Hands()
    with new_database("sqlite", tmp_path) as url, new_ledger(url, clock) as ledger:
        made = Scene(ledger, clock)
        yield made
        made.go.set()
        made.workers.close()
        made.workers.wait()


def test_a_dead_platform_delays_no_other_account(scene: Scene) -> None:
    scene.hang = "meta"
    scene.workers.tick()

    assert scene.ended.get(timeout=DEADLINE) == "google-a"


def test_syncs_of_one_account_take_turns(scene: Scene) -> None:
    scene.hang = "meta"
    assert set(scene.workers.tick()) == {"meta-a", "meta-b", "google-a"}
    assert scene.ended.get(timeout=DEADLINE) == "google-a"
    first = {scene.begun.get(timeout=DEADLINE) for _ in range(2)}
    assert len(first & {"meta-a", "meta-b"}) == 1
    assert scene.workers.tick() in {(), ("google-after",)}  # none is queued twice

    scene.go.set()
    ended = {scene.ended.get(timeout=DEADLINE) for _ in range(2)}
    assert ended <= {"meta-a", "meta-b", "google-after"}


def test_what_was_queued_at_the_stop_is_still_due(scene: Scene) -> None:
    scene.hang = "meta"
    scene.workers.tick()
    begun = {scene.begun.get(timeout=DEADLINE) for _ in range(2)}
    scene.workers.close()
    scene.go.set()
    scene.workers.wait()

    assert scene.begun.empty()
    assert set(scene.agenda.look()) == {"meta-a", "meta-b", "google-after"} - begun
    assert scene.workers.tick() == ()


def test_a_run_that_we_stopped_stays_due(scene: Scene) -> None:
    scene.says = Ended.STOPPED
    scene.workers.tick()
    for _ in range(3):
        scene.ended.get(timeout=DEADLINE)
    scene.workers.close()
    scene.workers.wait()

    assert set(scene.agenda.look()) == {"meta-a", "meta-b", "google-a"}


def test_a_bug_in_one_run_ends_no_thread(scene: Scene) -> None:
    scene.says = Ended.FAILED
    scene.workers.tick()
    assert {scene.ended.get(timeout=DEADLINE) for _ in range(3)} >= {"meta-a", "meta-b"}
    scene.workers.close()
    scene.workers.wait()

    assert scene.agenda.look() == ()  # nobody follows a failure, and each has its next time


def test_other_work_takes_its_turn_on_an_accounts_thread(scene: Scene) -> None:
    """Once at a time, after what runs there; what it fails with ends no thread."""
    scene.hang = "meta"
    scene.workers.tick()
    done = Queue[str]()

    def work() -> None:
        done.put("erasures")
        raise RuntimeError("a bug")

    for _ in range(3):
        scene.workers.also("meta", "erasures meta", work)
    scene.workers.also("google", "erasures google", lambda: done.put("google"))
    assert done.get(timeout=DEADLINE) == "google"
    assert done.empty()
    scene.go.set()
    assert done.get(timeout=DEADLINE) == "erasures"
    scene.workers.close()
    scene.workers.wait()
    assert done.empty()


def test_one_that_is_to_rest_is_not_due(scene: Scene) -> None:
    scene.says = scene.clock.at + timedelta(minutes=5)
    scene.workers.tick()
    for _ in range(3):
        scene.ended.get(timeout=DEADLINE)
    scene.workers.close()
    scene.workers.wait()

    assert scene.agenda.look() == ()
    scene.clock.at += timedelta(minutes=5)
    assert set(scene.agenda.look()) == {"meta-a", "meta-b", "google-a"}
