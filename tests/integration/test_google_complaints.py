"""What users of Google's customer match complain about, in whole runs over both of its APIs.

`tests/contract/test_google_complaints.py` says which test answers which complaint.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.sandbox import Sandbox, start
from tests.integration.commands import Answer, Desk, Hands

CONNECTORS = ("google", "google_ads")


@pytest.fixture
def clock() -> Hands:
    return Hands()


def moved(desk: Desk, connector: str, local: Sandbox) -> Desk:
    """The desk, its one sync to audience G over this API."""
    desk.local = local
    account = {**desk.settings["accounts"]["google"], "endpoint": local.google_endpoint}
    desk.settings["accounts"] = {"google": {**account, "connector": connector}}
    desk.sync.update(account="google", audience="G")
    desk.save()
    return desk


@pytest.fixture(params=CONNECTORS)
def google(request: pytest.FixtureRequest, desk: Desk) -> Desk:
    return moved(desk, request.param, desk.local)


@pytest.fixture
def ads(desk: Desk) -> Desk:
    return moved(desk, "google_ads", desk.local)


@pytest.fixture(params=CONNECTORS)
def slow(request: pytest.FixtureRequest, desk: Desk) -> Iterator[Desk]:
    """A Google that works only when told to."""
    with start(google_delay=None) as local:
        yield moved(desk, request.param, local)


def joined(desk: Desk, *people: int) -> Desk:
    desk.join(*people, consent="granted")
    return desk


def synced(desk: Desk, clock: Hands, *words: str, code: int = 0) -> Answer:
    answer = desk.syncd("sync", "everyone", *words, clock=clock)
    assert answer.code == code, answer.said
    return answer


def connector(desk: Desk) -> str:
    return str(desk.settings["accounts"]["google"]["connector"])


def refusal(desk: Desk, data_manager: str, ads: str) -> dict[str, str]:
    """A scripted refusal: gRPC status and the reason, as each API has it."""
    status, _, reason = (data_manager if connector(desk) == "google" else ads).partition(" ")
    return {"platform": connector(desk), "code": status, "subcode": reason}


def test_a_job_that_another_request_fills_is_waited_for(ads: Desk, clock: Hands) -> None:
    """CONCURRENT_MODIFICATION, twice: the run asks again, and nobody is lost or doubled."""
    joined(ads, *range(10))
    busy = "database_error.CONCURRENT_MODIFICATION"
    ads.fault(platform="google_ads", method="add", code="ABORTED", subcode=busy, times=2)
    began = clock.now()
    synced(ads, clock)
    assert clock.now() > began
    assert len(ads.held("G", google=True)) == 20
    jobs = [job for job in ads.local.google_jobs if job.account == ads.google_account]
    assert [(len(job.rows), bool(job.started)) for job in jobs] == [(10, True)]


def test_a_run_that_does_not_wait_ends_while_google_works(slow: Desk, clock: Hands) -> None:
    """Neither a job's end nor a status is waited for; a later run hears of it."""
    joined(slow, 1, 2)
    began = clock.now()
    synced(slow, clock)
    assert clock.now() == began
    (row,) = slow.syncd("status", "--json", clock=clock).json["syncs"]
    assert (row["state"], row["under way"]) == ("processing", 1)
    slow.local.process()
    synced(slow, clock)
    (row,) = slow.syncd("status", "--json", clock=clock).json["syncs"]
    assert (row["state"], row["under way"]) == ("done", 0)
    assert len(slow.held("G", google=True)) == 4


def test_work_that_google_never_ends_is_told(slow: Desk, clock: Hands) -> None:
    """A job that is PENDING, or a request that is PROCESSING, for three days."""
    joined(slow, 1, 2)
    synced(slow, clock)
    clock.pass_by(hours=73)
    synced(slow, clock)
    told = [line for line in slow.audit() if line.startswith("batch_given_up")]
    assert len(told) == 1
    assert "has not worked on within 72 h" in told[0]


def test_a_small_list_says_why_it_shows_no_size(google: Desk, clock: Hands) -> None:
    """An empty answer is a good one, and a list that shows nobody is no empty list."""
    synced(joined(google, 1), clock, "--wait")
    google.audience("G", google=True).about.update(matched=0)
    shown = synced(google, clock, "--wait", "--json").json[0]["run"]["id"]
    assert len(google.held("G", google=True)) == 2
    said = google.syncd("runs", "show", shown, clock=clock).out
    assert "states no size of it" in said
    assert "nothing of small lists" in said
    assert "nothing of small lists" in google.syncd("status", clock=clock).out


def test_a_segment_that_halves_drains_no_list(google: Desk, clock: Hands) -> None:
    synced(joined(google, *range(100)), clock, "--wait")
    google.leave(*range(50))
    held = synced(google, clock, "--wait", code=4)
    assert "50 of 100 members would leave (50%, max_removed is 30%)" in held.out
    assert len(google.held("G", google=True)) == 200


def test_an_account_that_is_denied_after_a_working_month_says_why(
    google: Desk, clock: Hands
) -> None:
    """In one line that says what to look at; once that is mended, the run goes on."""
    synced(joined(google, *range(10)), clock, "--wait")
    clock.pass_by(days=30)
    joined(google, 10)
    no = refusal(
        google, "PERMISSION_DENIED", "PERMISSION_DENIED authorization_error.USER_PERMISSION_DENIED"
    )
    google.fault(method="add", **no)
    denied = synced(google, clock, code=77)
    (line,) = denied.err.splitlines()[-1:]
    assert "login_customer_id" in line
    synced(google, clock, "--wait")
    assert len(google.held("G", google=True)) == 22


def test_a_request_that_is_refused_tells_its_code_and_googles_id(
    google: Desk, clock: Hands
) -> None:
    """Never only "failed"; per batch, so per list."""
    joined(google, 1)
    no = refusal(
        google,
        "INVALID_ARGUMENT MULTIPLE_DATA_TYPES_NOT_ALLOWED",
        "INVALID_ARGUMENT offline_user_data_job_error.CONFLICTING_OPERATION",
    )
    google.fault(method="add", **no)
    answer = google.syncd("sync", "everyone", "--json", clock=clock)
    code = no["subcode"].rpartition(".")[2]
    run = google.syncd("runs", "--json", clock=clock).json[0]["id"]
    said = answer.said + google.syncd("runs", "show", run, clock=clock).out
    assert answer.code
    assert code in said
    assert "sandbox-trace" in said


def test_a_contact_costs_no_request_of_its_own(google: Desk, clock: Hands) -> None:
    """2,000 members: a handful of requests, however many they are."""
    world = google.local.google_world
    before = sum(world.requests.values())
    synced(joined(google, *range(2_000)), clock, "--wait")
    assert len(google.held("G", google=True)) == 4_000
    assert sum(world.requests.values()) - before < 20


def test_a_version_that_google_retired_is_one_line(google: Desk, clock: Hands) -> None:
    joined(google, 1)
    no = refusal(google, "UNIMPLEMENTED", "INVALID_ARGUMENT request_error.UNSUPPORTED_VERSION")
    google.fault(method="list" if connector(google) == "google" else "search", **no)
    denied = synced(google, clock, code=77)
    assert "version" in denied.err
    assert ("set api_version" in denied.err) == (connector(google) == "google_ads")


def test_doctor_says_that_a_scope_is_missing_before_the_first_sync(
    google: Desk, clock: Hands
) -> None:
    """The scopes of the two APIs differ, and a key for one is none for the other."""
    reason = "PERMISSION_DENIED ACCESS_TOKEN_SCOPE_INSUFFICIENT"
    no = refusal(google, reason, reason)
    google.fault(method="list" if connector(google) == "google" else "search", **no)
    looked = google.syncd("doctor", "accounts", clock=clock)
    assert looked.code == 1
    assert f"google: DENIED ({reason.replace(' ', '/')})" in looked.out
    scope = "datamanager" if connector(google) == "google" else "adwords"
    assert f"the credentials lack the {scope} scope" in looked.out
