"""doctor accounts, and what a run asks first: the real SDK, accounts with something wrong."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.integration.commands import Answer, Desk, here, refused

TOS = "https://business.facebook.com/ads/manage/customaudiences/tos/?act="
AUDIENCES = "https://business.facebook.com/adsmanager/audiences?act="
SYSTEM_USERS = "https://business.facebook.com/settings/system-users"
IN_MAY = int(datetime(2030, 5, 17, tzinfo=UTC).timestamp())


def of_account(desk: Desk, **about: object) -> None:
    desk.local.meta_world.about[desk.meta_account].update(about)


def of_audience(desk: Desk, **about: object) -> None:
    desk.audience().about.update(about)


def expire(desk: Desk) -> None:
    """The token that the configuration names is not the platform's."""
    token = desk.folder / "config" / "meta_token"
    token.write_text("an-expired-token\n")
    token.chmod(0o600)
    desk.settings["accounts"]["meta"]["access_token"] = {"file": "meta_token"}
    desk.save()


def delete(desk: Desk) -> None:
    """Another tool deletes the audience."""
    assert desk.local.meta_world.delete(desk.audience().id)


def lines(answer: Answer, verdict: str) -> list[str]:
    return [line for line in answer.out.splitlines() if f": {verdict}" in line]


def test_a_fit_account_before_its_first_run(desk: Desk) -> None:
    """Without a ledger, and none is made; the audience is looked up and not made."""
    answer = desk.syncd("doctor", "accounts")
    assert (answer.code, answer.err) == (0, "")
    assert "meta: good: the token may use the ad account" in answer.out
    assert "meta, audience Everyone: good: it is not there yet" in answer.out
    assert "there is no ledger yet" in answer.out
    assert not desk.var.exists()
    assert not desk.local.meta_world.named(desk.meta_account, "Everyone")


def test_a_fit_account_and_its_audience(filled: Desk) -> None:
    """As the ledger knows them; nothing is changed."""
    before = filled.changes()
    answer = filled.syncd("doctor")
    assert (answer.code, answer.err) == (0, "")
    assert "meta, audience Everyone: good: it can be changed" in answer.out
    assert "2 accounts and 1 audiences were looked at: nothing is wrong" in answer.out
    assert "come out right" in answer.out
    assert filled.changes() == before

    (filled.var / "ledger.db").unlink()
    answer = filled.syncd("doctor", "accounts")
    assert answer.code == 0
    assert "meta, audience Everyone: good: it can be changed" in answer.out


BROKEN: dict[str, tuple[Callable[[Desk], None], str, str, str]] = {
    "expired token": (expire, "meta: DENIED (190/463)", "new access token", SYSTEM_USERS),
    "terms": (
        lambda desk: of_account(desk, custom_audience_tos=0),
        "meta: DENIED (custom_audience_tos)",
        "accept the custom audience terms",
        f"{TOS}ACCOUNT",
    ),
    "wrong account": (
        lambda desk: of_account(desk, hidden=True),
        "meta: DENIED (100/33)",
        "account_id is wrong, or the token is not assigned",
        SYSTEM_USERS,
    ),
    "closed account": (
        lambda desk: of_account(desk, account_status=2),
        "meta: DENIED (account_status 2)",
        "the ad account is disabled",
        "https://business.facebook.com/accountquality/ACCOUNT",
    ),
    "unpaid account": (
        lambda desk: of_account(desk, account_status=3),
        "meta: WARNING (account_status 3)",
        "settle it",
        "https://business.facebook.com/billing_hub/accounts?asset_id=ACCOUNT",
    ),
    "flagged audience": (
        lambda desk: of_audience(desk, operation_status=471),
        "meta, audience Everyone: UNUSABLE (operation_status 471)",
        "Meta flagged this audience",
        f"{AUDIENCES}ACCOUNT",
    ),
    "no permission": (
        lambda desk: of_audience(desk, can_edit=False),
        "meta, audience Everyone: UNUSABLE (can_edit)",
        "let its owner share it to be edited",
        f"{AUDIENCES}ACCOUNT",
    ),
    "deleted audience": (
        delete,
        "meta, audience Everyone: UNUSABLE (100/33)",
        "the audience was deleted",
        f"{AUDIENCES}ACCOUNT",
    ),
    "audience about to go": (
        lambda desk: of_audience(desk, operation_status=100, delete_time=IN_MAY),
        "meta, audience Everyone: WARNING (delete_time)",
        "Meta deletes it on 2030-05-17",
        f"{AUDIENCES}ACCOUNT",
    ),
    "few matches": (
        lambda desk: of_audience(desk, operation_status=411),
        "meta, audience Everyone: WARNING (operation_status 411)",
        "Meta matches few of its members",
        f"{AUDIENCES}ACCOUNT",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_each_thing_that_is_wrong_is_one_line_with_a_way_on(filled: Desk, what: str) -> None:
    spoil, begins, said, link = BROKEN[what]
    spoil(filled)
    answer = filled.syncd("doctor", "accounts")
    assert (answer.code, answer.err) == (1, "")
    bad = [line for each in ("DENIED", "UNUSABLE", "WARNING") for line in lines(answer, each)]
    assert len(bad) == 1, answer.out
    assert bad[0].startswith(begins)
    assert said in bad[0]
    assert bad[0].endswith(f": {link.replace('ACCOUNT', filled.meta_account.removeprefix('act_'))}")
    assert "1 findings need somebody" in answer.out
    assert "an-expired-token" not in answer.said


def test_programs_are_told_the_same(filled: Desk) -> None:
    of_account(filled, custom_audience_tos=0)
    answer = filled.syncd("doctor", "--json")
    told: dict[str, Any] = answer.json["accounts"]
    assert (answer.code, told["good"], told["ledger"]) == (1, False, "")
    (denied,) = [one for one in told["findings"] if one["finding"]["verdict"] == "denied"]
    assert (denied["account"], denied["platform"], denied["audience"]) == ("meta", "meta", "")
    assert denied["finding"]["link"].startswith(TOS)


def test_an_account_that_does_not_answer_is_told_and_the_others_are_looked_at(filled: Desk) -> None:
    filled.fault(kind="reset", method="account")
    answer = filled.syncd("doctor", "accounts")
    assert answer.code == 1
    assert "meta: WARNING (no_answer): it could not be asked" in answer.out
    assert "google: good" in answer.out


def test_a_secret_that_is_missing_is_told_and_the_others_are_looked_at(filled: Desk) -> None:
    filled.settings["accounts"]["meta"]["access_token"] = {"file": "nowhere"}
    filled.save()
    answer = filled.syncd("doctor", "accounts")
    assert answer.code == 1
    assert "meta: DENIED (configuration)" in answer.out
    assert "google: good" in answer.out


def test_a_ledger_that_cannot_be_read_is_told_and_audiences_are_looked_up(filled: Desk) -> None:
    (filled.var / "ledger.key").unlink()
    answer = filled.syncd("doctor", "accounts")
    assert answer.code == 1
    assert "the ledger cannot be read" in answer.out
    assert "meta, audience Everyone: good: it can be changed" in answer.out
    assert not (filled.var / "ledger.key").exists()


def test_two_audiences_of_one_name_are_told_before_a_run_meets_them(desk: Desk) -> None:
    for _ in range(2):
        desk.local.meta_world.create(desk.meta_account, "Everyone")
    answer = desk.syncd("doctor", "accounts")
    assert answer.code == 1
    (line,) = lines(answer, "UNUSABLE (ambiguous)")
    assert "2 audiences have this name" in line


def test_accounts_need_a_configuration(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SYNCD_CONFIG", raising=False)
    assert here("doctor", "accounts").code == 78
    assert "no account was looked at: there is no config/syncd.yaml" in here("doctor").out


# --- before a run -------------------------------------------------------------------


@pytest.mark.parametrize("what", ["expired token", "terms", "wrong account", "closed account"])
def test_a_denied_account_ends_a_run_before_the_shop_is_read(filled: Desk, what: str) -> None:
    """Here the shop has lost its table, and nobody comes to notice."""
    spoil, _, said, link = BROKEN[what]
    spoil(filled)
    with closing(sqlite3.connect(filled.shop)) as shop, shop:
        shop.execute("DROP TABLE customers")
    link = link.replace("ACCOUNT", filled.meta_account.removeprefix("act_"))
    refused(filled, 77, said, link)


@pytest.mark.parametrize("kind", ["reset", "html", "malformed"])
def test_a_question_without_an_answer_ends_no_run(filled: Desk, kind: str) -> None:
    """It is asked once; the run goes on."""
    filled.join(11)
    filled.fault(kind=kind, method="account")
    answer = filled.syncd("sync", "everyone")
    assert answer.code == 0, answer.said
    assert len(filled.held()) == 22
    assert not filled.local.faults.waiting


def test_a_run_asks_for_its_account_once(filled: Desk) -> None:
    """With nothing to send, what it asks beside that is the audience's size."""
    world = filled.local.meta_world
    before = world.requests
    assert filled.syncd("sync", "everyone").code == 0
    after = world.requests
    asked = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    assert asked == {"account": 1, "read": 1}


def test_what_a_person_should_look_at_is_logged_and_ends_no_run(filled: Desk) -> None:
    of_account(filled, account_status=3)
    answer = filled.syncd("sync", "everyone")
    assert answer.code == 0
    assert "account_finding" in answer.err
    assert "billing_hub" in answer.err
