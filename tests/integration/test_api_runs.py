"""The daemon's API over its socket: runs that are asked for, by programs and by `syncd sync`."""

from __future__ import annotations

import getpass
import signal
import stat
from collections.abc import Iterator

import pytest

from tests.integration.callers import Caller, caller
from tests.integration.commands import Desk, approvable, digests, email, here, wait_until
from tests.integration.daemons import Service, started


@pytest.fixture
def service(desk: Desk) -> Iterator[Service]:
    """A daemon that does nothing by itself; ten customers wait to be sent."""
    desk.join(*range(10))
    with started(desk) as found:
        yield found


@pytest.fixture
def ask(desk: Desk, service: Service) -> Caller:
    assert service.process.poll() is None
    return caller(desk)


def test_a_run_that_is_asked_for_is_made_and_told(desk: Desk, ask: Caller) -> None:
    """By whom, the kernel says; a caller cannot name another."""
    asked = ask("POST", "/v1/runs", {"sync": "everyone"})
    assert asked.status == 202
    ended = ask.ended(asked.json["id"])
    assert (ended["exit_code"], ended["error"], ended["actor"]) == (0, "", getpass.getuser())
    assert ended["result"]["pushed"] == {"remove": 0, "add": 10, "again": 0}
    assert desk.held() == digests(*range(10))
    by_run = ask("GET", f"/v1/runs/{ended['run']['id']}").json
    assert by_run == ended
    (run,) = ask("GET", "/v1/runs").json["runs"]
    assert run == ended["run"]
    assert run["actor"] == getpass.getuser()
    assert stat.S_IMODE((desk.var / "run.sock").stat().st_mode) == 0o600


def test_a_sync_that_runs_is_not_run_twice_and_others_of_its_account_wait(
    desk: Desk, ask: Caller, service: Service
) -> None:
    desk.fault(kind="delay", method="add", seconds=2)
    first = ask("POST", "/v1/runs", {"sync": "everyone"}).json["id"]
    wait_until(lambda: ask("GET", f"/v1/runs/{first}").json["state"] == "running")
    (sync,) = ask("GET", "/v1/syncs").json["syncs"]
    assert (sync["name"], sync["under_way"]) == ("everyone", True)
    again = ask("POST", "/v1/runs", {"sync": "everyone"})
    assert again.status == 409
    assert "everyone runs already" in again.json["detail"]
    through = desk.syncd("sync", "everyone")
    assert (through.code, through.out) == (75, "")
    assert "everyone runs already" in through.err
    assert ask.ended(first)["exit_code"] == 0
    assert len(ask("GET", "/v1/runs?sync=everyone").json["runs"]) == 1
    assert service.stop() == 0


def test_the_command_goes_through_the_daemon_and_says_what_it_says_alone(
    desk: Desk, ask: Caller, service: Service
) -> None:
    first = desk.syncd("sync", "everyone")
    assert first.code == 0, first.said
    assert first.out.startswith("everyone: done; removed 0, added 10, sent again 0, unchanged 0")
    desk.join(10)
    second = desk.syncd("sync", "everyone", "--wait", "--json")
    assert second.code == 0, second.said
    (told,) = second.json
    assert told["run"]["id"] == ask("GET", "/v1/runs?limit=1").json["runs"][0]["id"]
    assert service.stop() == 0
    desk.join(11)
    (alone,) = desk.syncd("sync", "everyone", "--wait", "--json").json
    assert alone.keys() == told.keys()
    assert alone["plan"].keys() == told["plan"].keys()
    same = {"plan", "run"}
    assert {k: v for k, v in alone.items() if k not in same} == {
        k: v for k, v in told.items() if k not in same
    }


def test_codes_and_sentences_come_through(desk: Desk, service: Service) -> None:
    """Held: 4. No such sync: 2. A plan that does not fit: 1. As without the daemon."""
    assert desk.syncd("sync", "everyone").code == 0
    desk.leave(*range(8))
    held = desk.syncd("sync", "everyone", "nobody")
    assert held.code == 2
    assert "held: " in held.out
    assert "no sync is called 'nobody'" in held.err
    again = desk.syncd("sync", "everyone")
    assert again.code == 4, again.said
    (sync,) = caller(desk)("GET", "/v1/syncs").json["syncs"]
    assert sync["held_plan"] == approvable(again)
    assert desk.syncd("sync", "everyone", "--plan", "p0").code == 1
    assert desk.syncd("approve", "p0").code == 2
    shown = desk.syncd("plan", "nobody", "everyone")
    assert (shown.code, approvable(shown) != approvable(again)) == (2, True)
    assert desk.syncd("plan", "--json").json[0]["counts"]["leaving"]["members"] == 8
    assert len(desk.held()) == 20, "a plan sends nothing"
    let_go = desk.syncd("approve", approvable(again))
    assert let_go.code == 0, let_go.said
    assert let_go.out.startswith("everyone: done; removed 8, added 0")
    assert desk.held() == digests(8, 9)
    desk.leave(8, 9)
    through = desk.syncd("sync", "everyone")
    assert through.code == 4
    assert service.stop() == 0
    alone = desk.syncd("sync", "everyone")
    assert (alone.code, alone.out) == (4, through.out)
    assert alone.err.endswith(through.err)  # before it, its own log


def test_health_and_metrics_say_how_it_is(ask: Caller) -> None:
    for path in ("/healthz", "/readyz"):
        assert (ask("GET", path).status, ask("GET", path).json) == (200, {"ok": True, "why": []})
    ran = ask("POST", "/v1/runs", {"sync": "everyone"}).json["id"]
    ask.ended(ran)
    found = ask("GET", "/metrics")
    assert found.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert b'syncd_members{state="there",sync="everyone"} 10.0' in found.body


def test_who_waits_is_told_when_the_daemon_ends(desk: Desk, ask: Caller, service: Service) -> None:
    """What runs ends before its next request, what waits for its account never begins: 75."""
    desk.also("other", audience="Other")
    service.process.send_signal(signal.SIGHUP)
    wait_until(lambda: len(ask("GET", "/v1/syncs").json["syncs"]) == 2)
    desk.fault(kind="delay", method="add", seconds=3)
    first = ask("POST", "/v1/runs", {"sync": "everyone"}).json["id"]
    wait_until(lambda: ask("GET", f"/v1/runs/{first}").json["state"] == "running")
    waiting = ask("POST", "/v1/runs", {"sync": "other"}).json
    assert waiting["state"] == "waiting"
    service.process.send_signal(signal.SIGTERM)
    told = ask.ended(waiting["id"])
    assert (told["exit_code"], told["run"]) == (75, None)
    assert "ask again" in told["error"]
    assert ask("GET", "/readyz").status == 503
    assert ask("POST", "/v1/runs", {"sync": "other"}).status == 503
    assert service.ended() == 0
    assert [run["sync"] for run in desk.syncd("runs", "--json").json] == ["everyone"]
    assert not (desk.var / "run.sock").exists()
    through = desk.syncd("sync", "everyone", "other")
    assert through.code == 0, "nobody has the lock any more"


def test_an_audience_is_replaced_through_the_daemon_as_without_it(
    desk: Desk, service: Service
) -> None:
    assert desk.syncd("sync", "everyone").code == 0
    stranger = frozenset({("email", "0" * 64)})
    desk.audience().add([stranger])
    answer = desk.syncd("reconcile", "everyone", "--replace")
    assert answer.code == 0, answer.said
    assert answer.out.endswith("its audience was replaced as a whole: nobody else is in it\n")
    assert desk.held() == digests(*range(10))
    (told,) = desk.syncd("reconcile", "everyone", "--replace", "--json").json
    assert told["run"]["actor"] == getpass.getuser()
    desk.leave(*range(8))
    held = desk.syncd("reconcile", "everyone", "--replace")
    assert (held.code, approvable(held) != "") == (4, True)
    assert "as a whole" not in held.out
    wrong = caller(desk)("POST", "/v1/runs", {"sync": "everyone", "plan": "p1", "replace": True})
    assert wrong.status == 422
    assert service.stop() == 0


def test_an_audience_is_emptied_for_good_through_the_daemon(desk: Desk, service: Service) -> None:
    assert desk.syncd("sync", "everyone").code == 0
    at = f"meta/{desk.meta_account}/{desk.audience().id}"
    filled = desk.syncd("retire", "Everyone", "--yes")
    assert filled.code == 2
    assert "is filled by sync everyone" in filled.err
    assert caller(desk)("POST", "/v1/retirements", {"audience": at}).status == 404
    desk.sync["audience"] = "Other"
    desk.save()
    service.process.send_signal(signal.SIGHUP)
    assert desk.syncd("sync", "everyone").code == 0

    unasked = desk.syncd("retire", "Everyone")
    assert unasked.code == 2
    assert "10 members are to be taken out" in unasked.err
    assert len(desk.held()) == 20, "nobody said yes"
    begun = desk.syncd("retire", "Everyone", "--yes")
    assert begun.code == 75, begun.said
    assert "being emptied" in begun.out
    assert "Worth calling again" in begun.out
    assert desk.held() == frozenset()
    assert desk.held("Other") == digests(*range(10))
    again = caller(desk)("POST", "/v1/retirements", {"audience": at})
    assert again.status == 202
    told = caller(desk).ended(again.json["id"])
    assert (told["exit_code"], told["retired"]["state"], told["sync"]) == (75, "emptying", at)
    assert service.stop() == 0
    alone = desk.syncd("retire", "Everyone")
    assert alone.code == 75
    assert alone.out.splitlines()[0] == begun.out.splitlines()[0]
    assert desk.syncd("audit", "verify").code == 0


def test_who_is_erased_meanwhile_is_told_who_carries_it_on(desk: Desk, service: Service) -> None:
    """What identifies the person goes into the ledger and never over the API."""
    assert desk.syncd("sync", "everyone").code == 0
    answer = here("erase", config=desk.config, given=f"email: {email(3)}\n".encode())
    assert answer.code == 75
    assert "the daemon removes from the audiences, at its next look" in answer.err
    assert email(3) not in answer.said
    service.process.send_signal(signal.SIGHUP)  # it looks then
    wait_until(lambda: desk.held() == digests(*(n for n in range(10) if n != 3)))
    assert service.stop() == 0
