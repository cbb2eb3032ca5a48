"""The machine fails under a sync: it says so, loses nothing, and the next run carries on."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from connectors.meta import PLATFORM
from tests.crash.kill import Scene, scenes, unequal, violated
from tests.crash.mortal import Point
from tests.crash.nursery import Ended
from tests.crash.stage import stage
from tests.integration.commands import begin

NOBODY = 65_534
YEAR = 365 * 86_400.0
IN_FLIGHT = PLATFORM.capabilities.in_flight

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def day() -> Iterator[Scene]:
    """The first sync is done, a day of changes has passed."""
    with stage("meta") as here:
        (made,) = scenes(here, ("day",))
        yield made


@pytest.fixture
def scene(day: Scene) -> Scene:
    day.begin()
    day.stage.arrived = lambda: None
    return day


def told(ended: Ended, code: int, *words: str) -> None:
    """It ended with this code and a sentence, not with a traceback."""
    assert ended.code == code, ended.said
    assert "Traceback" not in ended.said
    assert "syncd: " in ended.said
    for said in words:
        assert said in ended.said


def carried_on(scene: Scene) -> None:
    """Nothing is lost, and the next run makes all equal."""
    here = scene.stage
    assert violated(here) == []
    ended = here.sync()
    assert ended.code == 0, ended.said
    assert [*violated(here), *unequal(here)] == []


# --- the disk ------------------------------------------------------------------


@pytest.mark.parametrize(
    "point",
    [
        Point("commit", 2, "before"),  # then the snapshot is written
        Point("file", 5, "before"),  # and the plan
        Point("send", 3, "after"),
        Point("send", 5, "before"),
    ],
    ids=str,
)
def test_a_disk_that_fills_up_stops_the_run(scene: Scene, point: Point) -> None:
    """The last word is the ledger's: that the run failed could not be written either."""
    ended = scene.stage.sync(death=point, deed="fill the disk")
    told(ended, 1, "could not be read or written", "not committed")
    carried_on(scene)


def test_a_disk_that_is_full_from_the_beginning_stops_the_run(scene: Scene) -> None:
    before = scene.stage.changes()
    told(scene.stage.sync(full=True), 1, "cannot be written")
    assert scene.stage.changes() == before
    carried_on(scene)


def test_a_directory_that_cannot_be_written_stops_the_run(scene: Scene) -> None:
    here = scene.stage
    var, user = here.folder / "var", NOBODY if os.geteuid() == 0 else None
    if user is not None:
        for path in (here.root, *here.root.rglob("*")):
            os.chown(path, user, user)
    var.chmod(0o500)
    before = here.changes()
    try:
        ended = here.sync(user=user)
    finally:
        var.chmod(0o700)
        if user is not None:
            for path in (here.root, *here.root.rglob("*")):
                os.chown(path, 0, 0)
    told(ended, 1, "readonly")
    assert here.changes() == before
    carried_on(scene)


def test_a_torn_ledger_stops_the_run(scene: Scene) -> None:
    here = scene.stage
    ledger = here.folder / "var" / "ledger.db"
    whole = ledger.read_bytes()
    ledger.write_bytes(whole[:8192] + b"\x5a" * 40_960 + whole[49_152:])
    before = here.changes()
    told(here.sync(), 1, "could not be read or written", "malformed")
    assert here.changes() == before
    ledger.write_bytes(whole)
    for name in ("ledger.db-wal", "ledger.db-shm"):
        (ledger.parent / name).unlink(missing_ok=True)
    carried_on(scene)


# --- the ledger is in other hands ------------------------------------------------


@pytest.mark.parametrize("request_number", [0, 3])
def test_a_ledger_locked_by_another_process_stops_the_run(
    scene: Scene, request_number: int
) -> None:
    """From the beginning, or in the middle of a request: its receipt is not written."""
    here = scene.stage
    with closing(sqlite3.connect(here.folder / "var" / "ledger.db", check_same_thread=False)) as it:
        it.isolation_level = None
        came = 0

        def arrived() -> None:
            nonlocal came
            came += 1
            if came == request_number:
                it.execute("BEGIN IMMEDIATE")

        here.arrived = arrived
        if request_number == 0:
            it.execute("BEGIN IMMEDIATE")
        ended = here.sync()
        told(ended, 75, "locked by another process", "try again later")
        assert request_number <= came <= request_number + (IN_FLIGHT - 1) * bool(request_number)
        it.execute("ROLLBACK")
    here.arrived = lambda: None
    carried_on(scene)


# --- signals -------------------------------------------------------------------


def test_a_run_that_is_interrupted_says_that_the_next_one_carries_on(scene: Scene) -> None:
    ended = scene.stage.sync(death=Point("send", 4, "before"), deed="interrupt")
    told(ended, 130, "interrupted; the next run carries on from here")
    carried_on(scene)


def test_a_run_that_is_terminated_ends_at_once(scene: Scene) -> None:
    """As by a kill: in the middle of a commit, a request on its way before it."""
    ended = scene.stage.sync(death=Point("commit", 12, "before"), deed="terminate")
    assert (ended.code, ended.said) == (-signal.SIGTERM, "")
    carried_on(scene)


def test_a_stopped_run_keeps_others_out_and_goes_on(scene: Scene) -> None:
    here = scene.stage

    def meanwhile() -> None:
        with begin("sync", "everyone", config=here.folder / "syncd.yaml") as second:
            _, said = second.communicate(timeout=60)
        told(Ended(second.returncode, said, ()), 75, "holds", "try again")

    point = Point("send", 4, "before")
    ended = here.sync(death=point, deed="stop", stopped=meanwhile)
    assert ended.code == 0, ended.said
    assert [*violated(here), *unequal(here)] == []
    carried_on(scene)


# --- the clock -----------------------------------------------------------------


@pytest.mark.parametrize("jump", [-YEAR, -3_600.0, 3_600.0, YEAR])
def test_a_clock_that_jumps_between_runs_changes_nothing(scene: Scene, jump: float) -> None:
    """And back again; a run died in the middle before it jumped."""
    here = scene.stage
    assert here.sync(death=Point("send", 4, "applied")).killed
    try:
        here.ahead = jump
        carried_on(scene)
        here.ahead = 0.0
        carried_on(scene)
    finally:
        here.ahead = 0.0
    assert here.run("audit", "verify", watched=False).code == 0


# --- the files -----------------------------------------------------------------


def test_a_plan_that_vanished_stops_the_run_before_anything_is_sent(scene: Scene) -> None:
    """What is unknown could not be sent again; what is known can be put back."""
    here = scene.stage
    assert here.sync(death=Point("send", 4, "applied")).killed
    (plan,) = _newest(here.folder / "var", "*.plan")
    before, aside = here.changes(), here.folder / "aside"
    shutil.move(plan, aside)
    told(here.sync(), 78, "is missing", "syncd rebuild")
    assert here.changes() == before
    shutil.move(aside, plan)
    carried_on(scene)


def _newest(var: Path, pattern: str) -> list[Path]:
    return sorted(var.glob(pattern), key=lambda path: path.name)[-1:]
