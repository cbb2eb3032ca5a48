"""Alerts from end to end: real commands, a real platform's refusals, real kills."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.sandbox import Sandbox
from syncd.ledger.alerting import Change
from tests.integration.commands import Answer, Desk, Hands, begin, here, platforms
from tests.integration.ledger_databases import DIALECTS, NOON, new_database, new_ledger
from tests.integration.ledger_databases import Hands as Still
from tests.integration.receivers import Receiver, killing, receiving

SECRET = "s3cr3t-that-nobody-may-see-4711"


@pytest.fixture(scope="module")
def local() -> Iterator[Sandbox]:
    with platforms() as found:
        yield found


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def desk(tmp_path: Path, local: Sandbox, receiver: Receiver) -> Desk:
    made = Desk(tmp_path, local)
    (tmp_path / "config" / "secret").write_text(SECRET, "utf-8")
    target = {"webhook": f"{receiver.url}/in", "secret": {"file": "secret"}}
    made.settings["alerts"] = {"targets": {"ops": target}}
    made.save()
    made.join(*range(20))
    return made


def test_a_sync_that_fails_twice_is_told_once_and_so_is_its_recovery(
    desk: Desk, receiver: Receiver
) -> None:
    clock = Hands()
    assert desk.syncd("sync", "everyone", clock=clock).code == 0
    assert receiver.told == []
    desk.sql("everyone", "SELECT customer_key, email FROM nowhere")
    for _ in range(2):
        assert desk.syncd("sync", "everyone", clock=clock).code == 1
    assert receiver.told == [("opened", "sync everyone", "failed")]
    (found,) = desk.syncd("alerts", "--json", clock=clock).json["open"]
    assert found["condition"] == "failed"
    desk.sql("everyone", "SELECT customer_key, email, phone, country, ad_consent FROM customers")
    assert desk.syncd("sync", "everyone", clock=clock).code == 0
    assert receiver.told[1:] == [("recovered", "sync everyone", "failed")]
    listed = desk.syncd("alerts", clock=clock)
    assert listed.code == 0
    assert "nothing is open" in listed.out
    assert listed.out.count("  sent  ") == 2


def test_what_is_held_names_the_plan_that_lets_it_go(desk: Desk, receiver: Receiver) -> None:
    clock = Hands()
    assert desk.syncd("sync", "everyone", clock=clock).code == 0
    desk.leave(*range(15))
    assert desk.syncd("sync", "everyone", clock=clock).code == 4
    (turn, subject, condition), *rest = receiver.told
    assert (turn, subject, condition, rest) == ("opened", "sync everyone", "held", [])
    words = receiver.heard[0].json["said"]
    plan = words.partition("`syncd approve ")[2].partition("`")[0]
    assert "15 members" in words
    assert desk.syncd("approve", plan, clock=clock).code == 0
    assert ("recovered", "sync everyone", "held") in receiver.told


def test_a_denied_account_is_told(desk: Desk, receiver: Receiver) -> None:
    clock = Hands()
    desk.fault(method="add", status=400, code=190, subcode=463, times=1)
    assert desk.syncd("sync", "everyone", clock=clock).code == 77
    assert receiver.told == [("opened", "account meta", "denied")]
    assert "190/463" in receiver.heard[0].json["said"]


def test_a_target_that_is_down_loses_nothing_and_delays_no_run(
    desk: Desk, receiver: Receiver
) -> None:
    clock = Hands()
    receiver.answers = [503] * 2
    desk.sql("everyone", "SELECT customer_key, email FROM nowhere")
    assert desk.syncd("sync", "everyone", clock=clock).code == 1
    assert [one.json["turn"] for one in receiver.heard] == ["opened"] * 2
    clock.pass_by(minutes=6)
    assert desk.syncd("sync", "everyone", clock=clock).code == 1
    assert len({one.json["id"] for one in receiver.heard}) == 1, "one message, however often"
    assert [one["state"] for one in desk.syncd("alerts", "--json").json["deliveries"]] == ["sent"]


def test_a_kill_between_sending_and_noting_sends_the_same_message_again(
    desk: Desk, receiver: Receiver
) -> None:
    """SIGKILL on the real process, by who received its message, before it is answered."""
    desk.sql("everyone", "SELECT customer_key, email FROM nowhere")
    started: list[subprocess.Popen[str]] = []
    receiver.before = killing(lambda: started[0].pid)
    started.append(begin("sync", "everyone", config=desk.config, folder=desk.folder))
    started[0].communicate(timeout=120)
    assert started[0].returncode == -9
    assert receiver.told == [("opened", "sync everyone", "failed")]
    receiver.before = lambda _: None
    assert desk.syncd("sync", "everyone", clock=Hands()).code == 1
    assert len(receiver.heard) == 2
    assert receiver.heard[0].body == receiver.heard[1].body, "a receiver can tell it is a double"
    assert receiver.heard[0].headers["Syncd-Id"] == receiver.heard[1].headers["Syncd-Id"]


def test_what_nobody_looked_at_is_told_by_the_next_process_before_it_runs(
    desk: Desk, receiver: Receiver
) -> None:
    """As after a kill between a run's end and the look: its failure is in the ledger."""
    desk.syncd("sync", "everyone", clock=Hands())
    sql = "SELECT customer_key, email, phone, country, ad_consent FROM customers"
    desk.sql("everyone", "SELECT customer_key, email FROM nowhere")
    assert desk.syncd("plan", "everyone", clock=Hands()).code == 1  # which tells nobody
    assert receiver.told == []
    desk.sql("everyone", sql)
    assert desk.syncd("sync", "everyone", clock=Hands()).code == 0
    assert [turn for turn, *_ in receiver.told] == ["opened", "recovered"]


def test_a_test_message_goes_to_each_target(desk: Desk, receiver: Receiver) -> None:
    with receiving() as down:
        (desk.folder / "config" / "chat").write_text(f"json://127.0.0.1:{down.port}", "utf-8")
        desk.settings["alerts"]["targets"]["chat"] = {"apprise": {"file": "chat"}}
        desk.save()
        answer = desk.syncd("alerts", "test", "--json")
        assert (answer.code, answer.json) == (0, {"ops": "taken", "chat": "taken"})
        assert receiver.heard[0].json["turn"] == "test"
        down.answers = [500]
        answer = desk.syncd("alerts", "test")
        assert answer.code == 1
        assert "chat: NOT taken: not_taken" in answer.out
        assert "ops: taken" in answer.out
    assert SECRET not in answer.said
    assert json.dumps(desk.syncd("alerts", "--json").json).count(SECRET) == 0


def test_without_a_target_a_test_says_where_to_name_one(desk: Desk) -> None:
    del desk.settings["alerts"]
    desk.save()
    answer = desk.syncd("alerts", "test")
    assert answer.code == 2
    assert "alerts.targets" in answer.err
    assert "nobody is told" in desk.syncd("alerts").out


def test_config_check_names_a_target_that_others_may_read(desk: Desk) -> None:
    (desk.folder / "config" / "secret").chmod(0o644)
    answer = here("config", "check", config=desk.config)
    assert "alerts.targets.ops.secret: others on this machine may read" in answer.said


# --- the outbox alone ---------------------------------------------------------------


@pytest.mark.parametrize("dialect", DIALECTS)
def test_one_message_a_change_whatever_is_found_how_often(dialect: str, tmp_path: Path) -> None:
    """For any series of findings: openings and ends take turns, each once a target."""
    with new_database(dialect, tmp_path) as url, new_ledger(url, Still()) as ledger:  # type: ignore[arg-type]  # one of them
        drawn = iter(range(1_000_000))

        @settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
        @given(st.lists(st.tuples(st.sampled_from("ab"), st.booleans()), max_size=12))
        def hold(found: list[tuple[str, bool]]) -> None:
            example = next(drawn)
            open_now, expected = set[str](), 0
            for name, holds in found:
                turn = "opened" if holds else "recovered"
                subject = f"{name}{example}"
                one = Change(f"n{next(drawn)}", subject, "failed", turn, "It is so.")  # type: ignore[arg-type]  # one of two
                changed = ledger.alerts.keep([one], targets=("x", "y"), now=NOON)
                assert changed == ((name in open_now) != holds)
                expected += changed
                open_now = open_now | {name} if holds else open_now - {name}
            there = {each.subject for each in ledger.alerts.open()}
            assert {f"{name}{example}" for name in open_now} == {
                one for one in there if one[1:] == str(example)
            }
            mine = [
                each.notice.turn
                for each in ledger.alerts.waiting("x")
                if each.notice.subject == f"a{example}"
            ]
            assert mine == (["opened", "recovered"] * 12)[: len(mine)]
            ours = [w for w in ledger.alerts.waiting("y") if w.notice.subject[1:] == str(example)]
            assert len(ours) == expected

        hold()


# --- the one case in which nothing runs ---------------------------------------------------


def failed(desk: Desk, monkeypatch: pytest.MonkeyPatch, status: str) -> Answer:
    """What systemd starts when the daemon has failed."""
    monkeypatch.setenv("MONITOR_SERVICE_RESULT", "exit-code")
    monkeypatch.setenv("MONITOR_EXIT_STATUS", status)
    return desk.syncd("alerts", "failed", "syncd.service")


def test_a_service_that_fails_is_told_without_ledger_and_though_the_rest_is_wrong(
    desk: Desk, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.settings["nonsense"] = 1
    desk.settings["shop"]["url"] = "sqlite:///x"
    desk.save()
    assert desk.syncd("config", "check").code == 78
    answer = failed(desk, monkeypatch, "78")
    assert (answer.code, answer.out) == (0, "ops: taken\n")
    assert receiver.told == [("opened", "service syncd.service", "service_failed")]
    (heard,) = receiver.heard
    assert "has failed (exit-code, status 78)" in heard.json["said"]
    assert "`syncd config check`" in heard.json["said"]
    assert not desk.var.exists(), "no ledger was made"

    receiver.answers[:] = [410]
    assert failed(desk, monkeypatch, "KILL").code == 1
    desk.settings["alerts"]["targets"]["ops"]["more"] = 1
    desk.save()
    wrong = failed(desk, monkeypatch, "78")
    assert wrong.code == 78
    assert "alerts.targets.ops.more" in wrong.err


def test_a_round_that_told_what_is_wrong_is_not_told_again(
    desk: Desk, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But one that came to no run is."""
    assert desk.syncd("sync", "everyone").code == 0
    assert failed(desk, monkeypatch, "1").code == 0
    assert len(receiver.told) == 1
    desk.leave(*range(15))
    assert desk.syncd("sync", "everyone").code == 4
    held = failed(desk, monkeypatch, "4")
    assert (held.code, receiver.told[1:]) == (0, [("opened", "sync everyone", "held")])
    assert "`syncd alerts` lists it" in held.out
