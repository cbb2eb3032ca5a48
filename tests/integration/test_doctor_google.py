"""doctor accounts at Google, and what a run asks first: the real SDK, with something wrong."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from tests.integration.commands import Answer, Desk, Hands

MANAGER = "1112223334"
CLOUD = "https://console.cloud.google.com"
ADS = "https://ads.google.com/aw"


def of_account(desk: Desk, **about: object) -> None:
    desk.local.google_world.about[desk.google_account].update(about)


def of_list(desk: Desk, **about: object) -> None:
    desk.audience("G", google=True).about.update(about)


def credentials(text: str) -> Callable[[Desk], None]:
    """The configuration names a key file that holds this."""

    def spoil(desk: Desk) -> None:
        key = desk.folder / "config" / "google_key.json"
        key.write_text(text)
        key.chmod(0o600)
        desk.settings["accounts"]["google"]["credentials"] = {"file": "google_key.json"}
        desk.settings["accounts"]["google"]["endpoint"] = "localhost.invalid:443"
        desk.save()

    return spoil


def answers(code: str, reason: str | None = None) -> Callable[[Desk], None]:
    """Google answers the question for the account so, once."""
    return lambda desk: desk.fault(platform="google", method="list", code=code, subcode=reason)


def login(desk: Desk, manager: str) -> None:
    desk.settings["accounts"]["google"]["login_customer_id"] = manager
    desk.save()


def wrong_manager(desk: Desk) -> None:
    of_account(desk, manager=MANAGER)
    login(desk, "9998887776")


def delete(desk: Desk) -> None:
    assert desk.local.google_world.delete(desk.audience("G", google=True).id)


@pytest.fixture
def used(desk: Desk) -> Desk:
    """A desk whose sync filled a Google list."""
    desk.sync.update(account="google", audience="G")
    desk.settings["accounts"].pop("meta")
    desk.save()
    desk.join(1, 2, consent="granted")
    assert desk.syncd("sync", "everyone", "--wait", clock=Hands()).code == 0
    return desk


def lines(answer: Answer, *verdicts: str) -> list[str]:
    return [one for one in answer.out.splitlines() if any(f": {each}" in one for each in verdicts)]


def test_a_fit_account_and_its_list_are_a_line_each(used: Desk) -> None:
    """That its terms are accepted is learned from an upload that changes nothing."""
    before, held = used.changes(), used.held("G", google=True)
    answer = used.syncd("doctor", "accounts")
    assert (answer.code, answer.err) == (0, "")
    assert "google: good: the credentials may use the account; of its terms" in answer.out
    assert "google, audience G: good: it can be changed: Google took a trial upload" in answer.out
    assert used.held("G", google=True) == held
    assert used.changes() == before + 1, "the trial"


def test_an_account_without_a_list_is_asked_for_no_upload(desk: Desk) -> None:
    answer = desk.syncd("doctor", "accounts")
    assert answer.code == 0
    assert "google: good: the credentials may use the account; of its terms" in answer.out


DENIED: dict[str, tuple[Callable[[Desk], None], str, str, str]] = {
    "bad key file": (
        credentials("{broken"),
        "google: DENIED (configuration)",
        "the credentials are not valid JSON; give a service account's JSON key",
        "",
    ),
    "key of another kind": (
        credentials(json.dumps({"type": "authorized_user", "refresh_token": "secret-token"})),
        "google: DENIED (configuration)",
        "of another type than `service_account`",
        "",
    ),
    "withdrawn key": (
        answers("UNAUTHENTICATED"),
        "google: DENIED (UNAUTHENTICATED)",
        "Google does not accept the service account's key; make a new one",
        f"{CLOUD}/iam-admin/serviceaccounts",
    ),
    "wrong scope": (
        answers("PERMISSION_DENIED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
        "google: DENIED (PERMISSION_DENIED/ACCESS_TOKEN_SCOPE_INSUFFICIENT)",
        "the credentials lack the datamanager scope",
        f"{CLOUD}/iam-admin/serviceaccounts",
    ),
    "API not enabled": (
        answers("PERMISSION_DENIED", "SERVICE_DISABLED"),
        "google: DENIED (PERMISSION_DENIED/SERVICE_DISABLED)",
        "enable the Data Manager API in the service account's project",
        f"{CLOUD}/apis/library/datamanager.googleapis.com",
    ),
    "customer not reachable": (
        lambda desk: of_account(desk, hidden=True),
        "google: DENIED (PERMISSION_DENIED)",
        "give the service account access to the account",
        f"{ADS}/accountaccess/users",
    ),
    "no such customer": (
        answers("NOT_FOUND"),
        "google: DENIED (NOT_FOUND)",
        "Google knows no such account: correct customer_id",
        "",
    ),
    "manager missing": (
        lambda desk: of_account(desk, manager=MANAGER),
        "google: DENIED (PERMISSION_DENIED)",
        "set login_customer_id if it is reached through a manager account",
        f"{ADS}/accountaccess/users",
    ),
    "wrong manager": (
        wrong_manager,
        "google: DENIED (INVALID_ARGUMENT/OPERATING_ACCOUNT_LOGIN_ACCOUNT_MISMATCH)",
        "login_customer_id is not a manager of customer_id; correct either",
        f"{ADS}/accountaccess/users",
    ),
    "terms": (
        lambda desk: of_account(desk, terms=False),
        "google: DENIED (PERMISSION_DENIED/TERMS_AND_CONDITIONS_NOT_SIGNED)",
        "accept the customer match terms in Google Ads",
        f"{ADS}/audiences/management",
    ),
}
LISTS: dict[str, tuple[Callable[[Desk], None], str, str, str]] = {
    "deleted": (
        delete,
        "google, audience G: UNUSABLE (NOT_FOUND)",
        "the audience is gone, or not of this account",
        f"{ADS}/audiences/management",
    ),
    "closed": (
        lambda desk: of_list(desk, membership_status="CLOSED", closing_reason="UNUSED"),
        "google, audience G: UNUSABLE (CLOSED/UNUSED)",
        "open it again in Google Ads",
        f"{ADS}/audiences/management",
    ),
    "another's": (
        lambda desk: of_list(desk, read_only=True),
        "google, audience G: UNUSABLE (READ_ONLY)",
        "another account owns it",
        f"{ADS}/audiences/management",
    ),
}


@pytest.mark.parametrize("what", [*DENIED, *LISTS])
def test_each_thing_that_is_wrong_is_one_line_with_a_way_on(used: Desk, what: str) -> None:
    spoil, begins, said, link = {**DENIED, **LISTS}[what]
    spoil(used)
    held = used.local.google_world.requests["create"]
    answer = used.syncd("doctor", "accounts")
    assert (answer.code, answer.err) == (1, "")
    (line,) = lines(answer, "DENIED", "UNUSABLE", "WARNING")
    assert line.startswith(begins)
    assert said in line
    assert line.endswith(f": {link}") if link else "https://" not in line
    assert "1 findings need somebody" in answer.out
    assert "secret-token" not in answer.said
    assert used.local.google_world.requests["create"] == held


def test_a_manager_account_that_is_right_is_good(used: Desk) -> None:
    of_account(used, manager=MANAGER)
    login(used, MANAGER)
    assert used.syncd("doctor", "accounts").code == 0


def test_a_trial_that_google_calls_invalid_is_a_warning(used: Desk) -> None:
    used.fault(platform="google", method="add", code="INVALID_ARGUMENT", subcode="A_REASON_OF_2031")
    answer = used.syncd("doctor", "accounts")
    assert answer.code == 1
    assert lines(answer, "WARNING")[0].startswith("google, audience G: WARNING (INVALID_ARGUMENT/A")
    assert "google: good" in answer.out


def test_an_account_that_does_not_answer_is_a_warning(used: Desk) -> None:
    used.fault(platform="google", kind="reset", method="list")
    answer = used.syncd("doctor", "accounts")
    assert answer.code == 1
    assert "google: WARNING (UNAVAILABLE): it could not be asked" in answer.out


# --- before a run -------------------------------------------------------------------


@pytest.mark.parametrize("what", [name for name in DENIED if name != "terms"])
def test_a_denied_account_ends_a_run_before_the_shop_is_read(used: Desk, what: str) -> None:
    """Here the shop has lost its table, and nobody comes to notice."""
    spoil, _, said, link = DENIED[what]
    spoil(used)
    with closing(sqlite3.connect(used.shop)) as shop, shop:
        shop.execute("DROP TABLE customers")
    before = used.changes()
    answer = used.syncd("sync", "everyone")
    assert answer.code == (77 if link or "NOT_FOUND" in DENIED[what][1] else 78), answer.said
    assert said in answer.err
    assert link in answer.err
    assert "Traceback" not in answer.said
    assert used.changes() == before


def test_terms_that_are_not_accepted_end_a_run_at_its_first_upload(used: Desk) -> None:
    of_account(used, terms=False)
    used.join(3, consent="granted")
    held = used.held("G", google=True)
    answer = used.syncd("sync", "everyone")
    assert answer.code == 77
    assert "accept the customer match terms in Google Ads" in answer.err
    assert used.held("G", google=True) == held


def test_a_run_asks_for_its_account_once(used: Desk) -> None:
    """With nothing to send, what it asks beside that is the list, before it and for its size."""
    world = used.local.google_world
    before = world.requests
    assert used.syncd("sync", "everyone").code == 0
    after = world.requests
    asked = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    assert asked == {"list": 1, "get": 2}
