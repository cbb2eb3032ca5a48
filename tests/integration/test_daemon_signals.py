"""Real signals on the real process: it ends, carries on, reads anew, and never twice."""

from __future__ import annotations

import signal
import threading
import time
from datetime import UTC, datetime
from queue import SimpleQueue

import psycopg
import pytest

from syncd.app import open_app
from syncd.daemon import Daemon
from syncd.service.notify import Manager
from syncd.service.pulse import Pulse
from syncd.service.signals import Call
from tests.integration.commands import Desk, begin, digests, wait_until
from tests.integration.daemons import DEADLINE, Service, begun, fast, started
from tests.integration.ledger_databases import new_database


@pytest.fixture
def due(filled: Desk) -> Desk:
    """Ten customers, synced; one has left since and one has come; due each minute."""
    filled.leave(0)
    filled.join(10)
    filled.sync["schedule"] = "every 1m"
    filled.save()
    return filled


NOW = digests(*range(1, 11))


def sent(desk: Desk) -> tuple[int, int]:
    """Requests so far that took someone out, and that added someone."""
    found = desk.local.meta_world.requests
    return found["remove"], found["add"]


def states(desk: Desk) -> list[tuple[str, str, str]]:
    """Every run, the oldest first: how it is, by whom, and why."""
    runs = desk.syncd("runs", "--json", "--limit", "50").json
    return [(run["state"], run["actor"], run["detail"]) for run in reversed(runs)]


def in_the_middle(desk: Desk) -> None:
    """Wait until a request is at the platform, which answers it late."""
    wait_until(lambda: not desk.local.faults.waiting, seconds=DEADLINE)


def test_a_daemon_runs_what_is_due_and_ends_when_told(due: Desk) -> None:
    with started(due) as service:
        wait_until(lambda: due.held() == NOW, seconds=DEADLINE)
        service.logged("run_finished")
        status = due.syncd("status", "--json").json
        assert status["holder"] == {
            "process": service.process.pid,
            "name": "daemon",
            "run": status["syncs"][0]["run"],
        }
        assert datetime.fromisoformat(status["syncs"][0]["due"]) > datetime.now(UTC)
        assert f"the daemon runs: process {service.process.pid}" in due.syncd("status").out
        assert service.stop() == 0
        service.told("STOPPING=1")

    assert "no daemon runs: `syncd run`" in due.syncd("status").out
    assert [state[:2] for state in states(due)][1:] == [("done", "schedule")]
    assert "Traceback" not in service.log.read_text("utf-8")


def test_a_stop_in_the_middle_sends_no_further_request_and_the_next_start_carries_on(
    due: Desk,
) -> None:
    before = sent(due)
    due.fault(kind="delay", method="remove", seconds=5)
    with started(due) as service:
        in_the_middle(due)
        service.process.send_signal(signal.SIGTERM)
        service.told("STOPPING=1")
        assert service.ended() == 0

    assert sent(due) == (before[0] + 1, before[1]), "the removal, and not the addition"
    state, actor, why = states(due)[-1]
    assert (state, actor) == ("failed", "schedule")
    assert "told to end" in why

    with started(due) as service:
        wait_until(lambda: due.held() == NOW, seconds=DEADLINE)
        service.logged("run_finished")
        assert service.stop() == 0
    assert sent(due)[0] == before[0] + 1, "what was answered is not sent again"


def test_a_second_signal_ends_it_at_once(due: Desk) -> None:
    due.fault(kind="delay", method="remove", seconds=3600)
    with started(due) as service:
        in_the_middle(due)
        service.process.send_signal(signal.SIGINT)
        service.told("STOPPING=1")
        assert service.process.poll() is None
        service.process.send_signal(signal.SIGTERM)
        assert service.ended() == -signal.SIGTERM


def test_a_wait_that_a_platform_asked_for_ends_with_the_daemon(due: Desk) -> None:
    due.fault(method="remove", status=400, code=80003, retry_after=600)
    with started(due) as service:
        service.logged("push_retry_scheduled")
        assert service.stop() == 0
    assert "told to end" in states(due)[-1][2]


def test_a_killed_daemon_loses_no_run_and_doubles_none(due: Desk) -> None:
    due.fault(kind="delay", method="remove", seconds=3600)
    with started(due) as service:
        in_the_middle(due)
        service.process.kill()
        assert service.ended() == -signal.SIGKILL

    with started(due) as service:
        wait_until(lambda: due.held() == NOW, seconds=DEADLINE)
        service.logged("run_finished")
        assert service.stop() == 0
    done = states(due)[1:]
    assert [state[:2] for state in done] == [("failed", "schedule"), ("done", "schedule")]
    assert "ended in the middle" in done[0][2]


def test_a_good_configuration_is_taken_and_a_bad_one_is_not(due: Desk) -> None:
    with started(due) as service:
        service.logged("run_finished")
        good = due.config.read_text("utf-8")

        due.config.write_text(f"{good}\nsyncz: {{}}\n", "utf-8")
        read_anew(service)
        kept = service.logged("configuration_kept")
        assert kept["why"].count("syncz") == 1
        assert "\n" not in kept["why"]

        due.config.write_text(good.replace(str(due.var), str(due.folder / "new")), "utf-8")
        read_anew(service)
        assert "another ledger needs a restart" in service.logged(kept["event"], times=2)["why"]
        assert not (due.folder / "new").exists()
        assert not service.events("configuration_read")

        due.also("second", audience="Second", schedule="every 1m")
        read_anew(service)
        service.logged("configuration_read")
        wait_until(lambda: due.held("Second") == NOW, seconds=DEADLINE)
        assert service.stop() == 0


def read_anew(service: Service) -> None:
    service.drain()
    service.process.send_signal(signal.SIGHUP)
    assert "MONOTONIC_USEC=" in service.told("RELOADING=1")
    service.told("READY=1")


def test_a_run_goes_on_with_the_configuration_that_it_began_with(due: Desk) -> None:
    due.fault(kind="delay", method="remove", seconds=3)
    with started(due) as service:
        in_the_middle(due)
        first = due.settings["syncs"].pop("everyone")
        due.settings["syncs"]["other"] = {**first, "audience": "Other"}
        due.save()
        read_anew(service)
        wait_until(lambda: due.held() == NOW, seconds=DEADLINE)
        wait_until(lambda: due.held("Other") == NOW, seconds=DEADLINE)
        assert service.stop() == 0
    assert {state[0] for state in states(due)} == {"done"}


def test_a_second_daemon_is_told_who_is_the_first(due: Desk) -> None:
    with started(due) as service:
        with begun(due, environment={}) as (second, log):
            assert second.wait(DEADLINE) == 75
        assert f"process {service.process.pid} (daemon" in log.read_text("utf-8")
        assert service.stop() == 0


def test_a_wrong_configuration_is_no_daemon(due: Desk) -> None:
    due.config.write_text("syncz: {}\n", "utf-8")
    with begin("run", config=due.config, folder=due.folder) as process:
        _, err = process.communicate(timeout=DEADLINE)
    assert process.returncode == 78
    assert "syncz" in err


def test_a_daemon_whose_lock_broke_off_ends_and_says_so(desk: Desk) -> None:
    """Its ledger in PostgreSQL: another host may have the lock by now."""
    desk.join(*range(3))
    desk.sync["schedule"] = "every 1m"
    with new_database("postgresql", desk.folder) as url:
        desk.settings["ledger"]["url"] = url
        desk.save()
        assert desk.syncd("migrate").code == 0
        with started(desk, "600") as service:
            service.logged("run_finished")
            with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as admin:
                held = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
                admin.execute(held)
            assert service.ended() == 75
        assert "another process may have it" in service.log.read_text("utf-8")
    assert desk.held() == digests(*range(3))


def test_a_call_to_end_waits_behind_one_look_at_most(desk: Desk) -> None:
    """However often it rang meanwhile: on a busy machine a look takes longer than a ring."""
    calls = SimpleQueue[Call]()
    with open_app(desk.config, holder="daemon") as app:
        daemon = Daemon(
            app,
            fast(),
            stopping=threading.Event(),
            calls=calls,
            pulse=Pulse(time.monotonic),
            listener=Manager("", None),
        )
        for _ in range(20):
            daemon._ring()
        calls.put(Call.STOP)
        daemon._ring()
        heard = [calls.get_nowait() for _ in range(calls.qsize())]
    assert heard == [Call.LOOK, Call.STOP]
