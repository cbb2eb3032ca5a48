"""A platform that refuses, others who are at it too, a process that dies: nothing is lost."""

from __future__ import annotations

import signal
from datetime import timedelta

import pytest

from connectors.sandbox import Sandbox
from connectors.sandbox.state import Identifier
from tests.integration.commands import (
    Desk,
    Hands,
    audited,
    digests,
    refused,
    standing_still,
    wait_until,
)

# --- the platform ------------------------------------------------------------


def test_a_token_that_the_platform_refuses_exits_77(filled: Desk) -> None:
    token = filled.config.parent / "meta_token"
    token.write_text("revoked-yesterday", "utf-8")
    token.chmod(0o600)
    filled.settings["accounts"]["meta"]["access_token"] = {"file": "meta_token"}
    filled.save()
    filled.leave(0)
    filled.join(10)
    held = filled.held()
    answer = filled.syncd("sync", "everyone")
    assert answer.code == 77
    assert "meta answered 190/463" in answer.err
    assert "make a new access token" in answer.err
    assert "revoked" not in answer.said
    assert filled.held() == held
    audited(filled, "run_failed", "190/463")
    filled.settings["accounts"]["meta"]["access_token"] = "sandbox-token"
    filled.save()
    assert filled.syncd("sync", "everyone").code == 0
    assert filled.held() == digests(*range(1, 11))


def test_rows_that_the_platform_refuses_exit_3_and_are_not_sent_again(desk: Desk) -> None:
    desk.join(*range(10))
    desk.fault(kind="refuse_rows", rows=(2,), method="add")
    answer = desk.syncd("sync", "everyone")
    assert answer.code == 3
    assert "refused 1" in answer.out
    assert len(desk.held()) == 18
    audited(desk, "run_finished", "The platform refused 1 rows")
    run = desk.syncd("runs", "--json").json[0]["id"]
    (batch,) = desk.syncd("runs", "show", run, "--json").json["batches"]
    assert sum(each["count"] for each in batch["refused"]) == 1
    before = desk.changes()
    assert desk.syncd("sync", "everyone").code == 0
    assert desk.changes() == before


def test_a_request_that_is_refused_whole_goes_out_in_parts(desk: Desk) -> None:
    desk.join(*range(10))
    desk.fault(status=400, code=100, method="add")
    answer = desk.syncd("sync", "everyone")
    assert answer.code == 0
    assert desk.held() == digests(*range(10))
    run = desk.syncd("runs", "--json").json[0]["id"]
    assert "whole, then sent in parts: 100" in desk.syncd("runs", "show", run).out


def test_a_row_that_requests_are_refused_for_is_held_and_shown(desk: Desk) -> None:
    desk.join(*range(10))
    ((_, bad),) = digests(3, phones=False)
    desk.fault(status=400, code=100, method="add", holding=(bad,))
    answer = desk.syncd("sync", "everyone")
    assert (answer.code, desk.held()) == (3, digests(*(n for n in range(10) if n != 3)))
    audited(desk, "run_finished", "The platform refused 1 rows (100: 1). 1 of them are held until")
    run = desk.syncd("runs", "--json").json[0]["id"]
    assert "1 x 100" in desk.syncd("runs", "show", run).out
    before = desk.changes()
    assert desk.syncd("sync", "everyone").code == 0
    assert desk.changes() == before
    assert desk.syncd("status", "--json").json["syncs"][0]["refused"] == 1
    desk.change("UPDATE customers SET email = 'new@example.com' WHERE customer_key = 'c:00003'")
    assert desk.syncd("sync", "everyone").code == 0
    assert len(desk.held()) == 20
    assert desk.syncd("status", "--json").json["syncs"][0]["refused"] == 0
    desk.local.faults.clear()


def test_a_request_that_is_wrong_as_such_exits_3_and_is_planned_anew(desk: Desk) -> None:
    desk.join(*range(10))
    desk.fault(status=400, code=194, method="add")
    answer = desk.syncd("sync", "everyone")
    assert answer.code == 3
    assert "refused 10" in answer.out
    assert desk.held() == frozenset()
    audited(desk, "run_finished", "(194: 10). The next run tries 10 of them again.")
    assert desk.syncd("sync", "everyone").code == 0
    assert desk.held() == digests(*range(10))


def test_too_much_in_a_request_goes_out_in_parts(desk: Desk) -> None:
    desk.join(*range(10))
    desk.fault(status=400, code=1, subcode=99, method="add", times=2)
    assert desk.syncd("sync", "everyone").code == 0
    assert desk.held() == digests(*range(10))


def test_no_row_is_held_for_an_error_that_meta_does_not_explain(desk: Desk) -> None:
    """1/99 is also what it says when it is out of order: the next run tries all again."""
    desk.join(*range(5))
    desk.fault(status=400, code=1, subcode=99, method="add", times=100)
    assert desk.syncd("sync", "everyone").code == 3
    desk.local.faults.clear()
    assert desk.held() == frozenset()
    assert desk.syncd("status", "--json").json["syncs"][0]["refused"] == 0
    assert desk.syncd("sync", "everyone").code == 0
    assert desk.held() == digests(*range(5))


def test_removals_that_would_leave_too_few_do_not_stop_the_additions(filled: Desk) -> None:
    filled.leave(0)
    filled.join(10)
    filled.fault(status=400, code=200, subcode=1870047, method="remove")
    assert filled.syncd("sync", "everyone").code == 3
    assert filled.held() == digests(*range(11))
    audited(filled, "run_finished", "(200/1870047: 1). The next run tries 1 of them again.")
    assert filled.syncd("sync", "everyone").code == 0
    assert filled.held() == digests(*range(1, 11))


def test_a_throttled_account_is_not_asked_again_before_its_time(filled: Desk) -> None:
    """By no sync of it, in no process; another account goes on."""
    clock = Hands()
    filled.join(10)
    filled.also("second", audience="Second")
    filled.also("google", account="google", audience="Third")
    filled.fault(status=400, code=80003, retry_after=3600.0, method="add")
    answer = filled.syncd("sync", "everyone", "second", "google", clock=clock)
    assert answer.code == 75
    ends = f"{clock.at + timedelta(hours=1):%Y-%m-%d %H:%M} UTC"
    assert f"everyone: meta answered 80003: the account is throttled until {ends}" in answer.err
    assert f"second: meta answered 80003: the account is throttled until {ends}" in answer.err
    assert len(filled.held("Third", google=True)) == 0, "unknown consent; but it ran"
    audited(filled, "run_finished", "Removed 0 rows")
    before = filled.local.meta_world.requests
    again = filled.syncd("sync", "everyone", clock=clock)
    assert (again.code, filled.local.meta_world.requests) == (75, before)
    status = filled.syncd("status", clock=clock)
    assert f"throttled: sync everyone waits until {ends} (80003)" in status.out
    clock.pass_by(minutes=50)
    assert filled.syncd("sync", "everyone", clock=clock).code == 0, "the rest of it is waited for"
    assert filled.held() == digests(*range(11))
    assert "throttled:" not in filled.syncd("status", clock=clock).out


def test_a_wait_that_anything_met_is_seen_in_status_with_its_reason(filled: Desk) -> None:
    """Not only of runs: here a look at what the audience holds."""
    clock = Hands()
    filled.fault(status=400, code=613, method="read")
    answer = filled.syncd("reconcile", clock=clock)
    assert answer.code == 75
    assert "abuse prevention" in answer.err
    ends = f"{clock.at + timedelta(hours=1):%Y-%m-%d %H:%M} UTC"
    status = filled.syncd("status", clock=clock)
    assert f"throttled: sync everyone waits until {ends} (613)" in status.out


def test_a_warning_of_the_api_version_is_told_in_status_for_a_week(filled: Desk) -> None:
    clock = Hands()
    headers = {"X-Ad-Api-Version-Warning": "Vendor prose"}
    page = '{"data": []}'
    filled.fault(kind="malformed", status=200, body=page, headers=headers, method="find")
    filled.also("second", audience="Second")
    assert filled.syncd("sync", "second", clock=clock).code == 0
    said = f"warning: sync everyone, {clock.at:%Y-%m-%d}: Meta will retire the version"
    status = filled.syncd("status", clock=clock)
    assert said in status.out
    assert "prose" not in status.said
    row = filled.syncd("status", "--json", clock=clock).json["syncs"][0]
    assert "graph_version" in row["warning"]
    clock.pass_by(hours=24 * 8)
    assert "warning:" not in filled.syncd("status", clock=clock).out


@pytest.mark.parametrize(("method", "requests"), [("account", 1), ("add", 2)])
def test_an_account_that_denies_us_is_asked_once_and_told_once(
    filled: Desk, method: str, requests: int
) -> None:
    """By the question that comes before the shop is read, or by the first rows after it."""
    filled.join(10)
    filled.also("second", audience="Second")
    filled.fault(status=401, code=190, subcode=463, method=method)
    before = filled.local.meta_world.requests
    answer = filled.syncd("sync", "everyone", "second")
    assert answer.code == 77
    assert "everyone: meta answered 190/463" in answer.err
    assert "second: meta answered 190/463" in answer.err
    assert "No further request was made for this account" in answer.err
    after = filled.local.meta_world.requests
    assert sum(after.values()) == sum(before.values()) + requests
    assert len([line for line in filled.audit() if "190/463" in line]) == 1
    assert filled.syncd("sync", "everyone", "second").code == 0, "mended: the next command asks"


def test_a_platform_that_never_answers_fails_and_the_next_run_converges(filled: Desk) -> None:
    filled.leave(0)
    filled.join(10)
    filled.fault(kind="reset", when="after", times=6, method="remove")
    answer = filled.syncd("sync", "everyone", clock=Hands())
    assert answer.code == 1
    assert "everyone: meta answered" in answer.err
    audited(filled, "run_failed", "meta answered")
    assert filled.syncd("sync", "everyone").code == 0
    assert filled.held() == digests(*range(1, 11))


# --- who else is at it -------------------------------------------------------


def test_a_second_sync_at_once_is_told_to_wait(filled: Desk) -> None:
    """Two real processes; the first stands still in the middle of its push."""
    filled.join(10)
    filled.fault(kind="delay", seconds=4.0, method="add")
    with filled.begin("sync", "everyone") as first:
        wait_until(lambda: not filled.local.faults.waiting)
        with standing_still(first):
            second = filled.process("sync", "everyone")
            approving = filled.syncd("plan", "everyone")
            reading = filled.syncd("status")
        first.communicate(timeout=60)
    assert (second.code, approving.code) == (75, 75)
    run = filled.syncd("runs", "--limit", "1", "--json").json[0]["id"]
    assert f"(sync everyone, run {run}) holds" in second.err
    assert "try again when it is done" in second.err
    assert reading.code == 0, "who only reads need not wait"
    assert first.returncode == 0
    assert filled.held() == digests(*range(11))
    assert filled.local.meta_world.requests["add"] >= 2


def test_two_syncs_to_one_audience_are_refused_when_checked(filled: Desk) -> None:
    filled.also("twice")
    said = ("syncs.twice.audience", "everyone fills this audience", "belongs to one sync")
    refused(filled, 78, f"{filled.config}:", *said, words=("config", "check"))
    refused(filled, 78, *said)


def test_two_syncs_to_one_audience_are_refused_when_names_have_become_ids(filled: Desk) -> None:
    """By name here and by id there: only the platform knows that they are one."""
    filled.join(10)
    filled.also("twice", audience={"id": filled.audience().id})
    assert filled.syncd("config", "check").code == 0
    refused(filled, 78, "everyone", words=("sync", "twice"))
    audited(filled, "run_failed", "everyone")
    filled.settings["accounts"]["same"] = dict(filled.settings["accounts"]["meta"])
    filled.also("twice", account="same")
    assert filled.syncd("config", "check").code == 0
    refused(filled, 78, "everyone", words=("sync", "twice"))


THEIRS: frozenset[Identifier] = frozenset({("email", "ab" * 32), ("email", "cd" * 32)})


def somebody_fills(desk: Desk, name: str = "Everyone") -> str:
    """An audience that another tool made and filled."""
    made = desk.local.meta_world.create(desk.meta_account, name)
    made.add([frozenset({one}) for one in THEIRS])
    return made.id


def test_an_audience_that_another_tool_filled_is_refused_until_adopted(desk: Desk) -> None:
    made = somebody_fills(desk)
    desk.join(*range(5))
    refused(desk, 4, f"'Everyone' ({made})", "did not put there", "sync everyone --adopt")
    audited(desk, "run_held", made, "--adopt")
    answer = desk.syncd("sync", "everyone", "--adopt")
    assert answer.code == 0
    assert desk.held() == digests(*range(5)) | THEIRS
    assert any(line.startswith("audience_adopted") for line in desk.audit())
    desk.leave(0)
    assert desk.syncd("sync", "everyone").code == 0, "adopted once is adopted"
    assert desk.held() == digests(*range(1, 5)) | THEIRS


def test_an_audience_that_is_empty_is_simply_taken(desk: Desk) -> None:
    desk.local.meta_world.create(desk.meta_account, "Everyone")
    desk.join(1)
    assert desk.syncd("sync", "everyone").code == 0
    assert desk.held() == digests(1)


def test_two_audiences_of_one_name_are_refused_with_both_ids(desk: Desk) -> None:
    world = desk.local.meta_world
    ids = [world.create(desk.meta_account, "Everyone").id for _ in range(2)]
    desk.join(1)
    before = desk.changes()
    answer = desk.syncd("sync", "everyone")
    assert (answer.code, desk.changes()) == (4, before)
    assert all(each in answer.err for each in ids)
    assert "rename one" in answer.err
    audited(desk, "run_held", *ids)
    desk.sync["audience"] = {"id": ids[1]}
    desk.save()
    assert desk.syncd("sync", "everyone").code == 0
    found = world.get(ids[1])
    assert found is not None
    assert found.identifiers == digests(1)


def test_an_audience_id_that_there_is_not_is_an_error(desk: Desk) -> None:
    desk.sync["audience"] = {"id": "23850000099999999"}
    desk.save()
    desk.join(1)
    answer = desk.syncd("sync", "everyone")
    assert answer.code == 1
    assert "meta answered 100/33" in answer.err
    assert "deleted" in answer.err


# --- the end of a process ----------------------------------------------------


def test_a_run_killed_in_the_middle_is_carried_on_by_the_next(filled: Desk) -> None:
    """SIGKILL while a removal is on its way: nobody knows whether it arrived."""
    filled.leave(0, 1)
    filled.join(10, 11)
    filled.fault(kind="delay", seconds=4.0, method="remove")
    with filled.begin("-v", "sync", "everyone") as first:
        wait_until(lambda: not filled.local.faults.waiting)
        first.send_signal(signal.SIGKILL)
        first.communicate(timeout=30)
    assert first.returncode == -signal.SIGKILL
    unknown = filled.syncd("status", "--json").json["syncs"][0]
    assert unknown["unknown"] == 1
    answer = filled.syncd("sync", "everyone")
    assert answer.code == 0, answer.said
    assert filled.held() == digests(*range(2, 12))
    runs = filled.syncd("runs", "--json").json
    assert [run["state"] for run in runs] == ["done", "failed", "done"]
    said = filled.audit()
    assert any("outcome an earlier run never learned" in line for line in said)
    assert any("The process ended in the middle of the run" in line for line in said)
    assert filled.syncd("audit", "verify").code == 0
    before = filled.changes()
    assert filled.syncd("sync", "everyone").code == 0
    assert filled.changes() == before


def test_a_key_of_another_ledger_refuses_to_push(filled: Desk) -> None:
    (filled.var / "ledger.key").write_text("ab" * 32 + "\n", "utf-8")
    refused(filled, 78, "key")


def test_files_and_ledger_of_different_times_refuse_to_push(filled: Desk) -> None:
    stamp = (filled.var / "ledger.json").read_bytes()
    filled.join(10)
    assert filled.syncd("sync", "everyone").code == 0
    (filled.var / "ledger.json").write_bytes(stamp)
    refused(filled, 78, "do not belong together", "syncd rebuild")


def test_an_account_may_be_written_with_dashes_or_without(desk: Desk, local: Sandbox) -> None:
    """Google shows 123-456-7890 and means the digits: it is one account, and one audience."""
    desk.sync["account"] = "google"
    desk.save()
    desk.join(*range(3), consent="granted")
    assert desk.syncd("sync", "everyone").code == 0
    digits = desk.google_account
    dashed = f"{digits[:3]}-{digits[3:6]}-{digits[6:]}"
    desk.settings["accounts"]["google"]["customer_id"] = dashed
    desk.save()
    desk.join(3, consent="granted")
    answer = desk.syncd("sync", "everyone")

    assert answer.code == 0, answer.said
    assert "added 1, sent again 0, unchanged 3" in answer.out
    assert desk.held(google=True) == digests(0, 1, 2, 3, google=True)
    assert len(local.google_world.named(digits, "Everyone")) == 1
