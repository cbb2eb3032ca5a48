"""A list at Google that cannot be filled is told of before the shop is read."""

from __future__ import annotations

import pytest

from tests.integration.commands import Answer, Desk, Hands, digests

TEN = range(10)
CLOSED = {"membership_status": "CLOSED", "closing_reason": "UNUSED"}
# As each of the APIs calls it.
WITHDRAWN = {"account_access_status": "DISABLED", "account_user_list_status": "DISABLED"}
UNUSABLE: list[tuple[dict[str, object], str, str]] = [
    ({"read_only": True}, "READ_ONLY", "another account owns it"),
    ({**WITHDRAWN}, "ACCESS_DISABLED", "sync to another list"),
]


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture(params=["google", "google_ads"])
def google(request: pytest.FixtureRequest, desk: Desk, clock: Hands) -> Desk:
    """Ten customers, synced to list G."""
    account = {**desk.settings["accounts"]["google"], "connector": request.param}
    desk.settings["accounts"] = {"google": account}
    desk.sync.update(account="google", audience="G")
    desk.save()
    desk.join(*TEN, consent="granted")
    assert desk.syncd("sync", "everyone", "--wait", clock=clock).code == 0
    return desk


def about(desk: Desk, **stated: object) -> None:
    desk.audience("G", google=True).about.update(stated)


def hide_the_shop(desk: Desk) -> None:
    """Whoever reads it now is told that it is not there, and of nothing else."""
    desk.change("ALTER TABLE customers RENAME TO hidden")


def ended(desk: Desk, clock: Hands, code: int = 1) -> Answer:
    answer = desk.syncd("sync", "everyone", "--wait", clock=clock)
    assert answer.code == code, answer.said
    return answer


def last_line(answer: Answer) -> str:
    return answer.err.splitlines()[-1]


def test_a_closed_list_loses_who_left_and_takes_nobody_in(google: Desk, clock: Hands) -> None:
    """Google takes removals from it, and drops additions without a word: none is sent."""
    google.leave(0)
    google.join(20, consent="granted")
    about(google, **CLOSED)
    requests = google.local.google_world.requests
    added = requests.get("add", 0) + requests.get("ads.add", 0)
    said = ended(google, clock)
    assert "CLOSED/UNUSED" in last_line(said)
    assert "open it again in Google Ads" in last_line(said)
    assert google.held("G", google=True) == digests(*TEN[1:], google=True)
    removed = 1 if google.settings["accounts"]["google"]["connector"] == "google_ads" else 0
    requests = google.local.google_world.requests
    assert requests.get("add", 0) + requests.get("ads.add", 0) == added + removed

    about(google, membership_status="OPEN")
    ended(google, clock, code=0)
    assert google.held("G", google=True) == digests(*TEN[1:], 20, google=True)


def test_a_closed_list_is_told_of_before_the_shop_is_read(google: Desk, clock: Hands) -> None:
    about(google, **CLOSED)
    hide_the_shop(google)
    events = [line for line in ended(google, clock).err.splitlines() if "audience_closed" in line]
    assert len(events) == 1


def test_a_closed_list_that_lacks_nobody_ends_no_run(google: Desk, clock: Hands) -> None:
    about(google, **CLOSED)
    ended(google, clock, code=0)
    assert "look at: sync everyone: Google closed it" in google.syncd("status", clock=clock).out


def test_a_list_of_others_that_is_closed_is_not_even_read_for(google: Desk, clock: Hands) -> None:
    """Nobody of ours is in it, so nobody can be taken out: the shop is left alone."""
    number = google.audience("G", google=True).id
    google.also("other", audience={"id": number})
    del google.settings["syncs"]["everyone"]
    google.settings["ledger"]["directory"] = str(google.folder / "new")
    google.settings["ledger"]["url"] = f"sqlite:///{google.folder / 'new' / 'ledger.db'}"
    google.save()
    about(google, **CLOSED)
    hide_the_shop(google)
    answer = google.syncd("sync", "other", "--adopt", clock=clock)
    assert answer.code == 1
    assert "open it again in Google Ads" in last_line(answer)


@pytest.mark.parametrize(("stated", "code", "said"), UNUSABLE)
def test_a_list_that_is_not_ours_to_change_ends_a_run_before_the_shop_is_read(
    google: Desk, clock: Hands, stated: dict[str, object], code: str, said: str
) -> None:
    about(google, **stated)
    hide_the_shop(google)
    line = last_line(ended(google, clock))
    assert code in line
    assert said in line


def test_a_question_without_an_answer_ends_no_run(google: Desk, clock: Hands) -> None:
    """The run's own requests are tried more often, and say more of what is wrong."""
    google.join(20, consent="granted")
    ads = google.settings["accounts"]["google"]["connector"] == "google_ads"
    name, method = ("google_ads", "search") if ads else ("google", "get")
    fine = {"kind": "delay", "seconds": 0.0}
    if ads:  # of the account, which is asked for first
        google.fault(platform=name, method=method, **fine)
    google.fault(platform=name, method=method, kind="reset")
    ended(google, clock, code=0)
    assert not google.local.faults.waiting
    assert google.held("G", google=True) == digests(*TEN, 20, google=True)
