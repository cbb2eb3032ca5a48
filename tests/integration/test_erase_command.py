"""`syncd erase`: from standard input to the certificate, over the vendors' own SDKs."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.sandbox.state import AudienceState
from syncd.ledger.lock import hold
from tests.integration.canaries import files_in, leaks
from tests.integration.commands import Answer, Desk, Hands, digests, email, here, phone

LONG = 100  # faults, more than a command has patience for
GIVEN = f" email:  {email(3).upper()}\n\n{phone(3)}\n".encode()


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def filled(desk: Desk, clock: Hands) -> Desk:
    """Ten customers, on Meta and on Google."""
    desk.also("to-google", account="google")
    desk.join(*range(10), consent="granted")
    assert desk.syncd("sync", "everyone", "to-google", "--wait", clock=clock).code == 0
    return desk


def erase(desk: Desk, clock: Hands, *words: str, given: bytes = GIVEN) -> Answer:
    return here("erase", *words, config=desk.config, clock=clock, given=given)


def later(desk: Desk, clock: Hands, **length: float) -> None:
    """Time passes, the platforms work, and runs go on as ever."""
    clock.pass_by(**length)
    answer = desk.syncd("sync", "everyone", "to-google", "--wait", clock=clock)
    assert answer.code == 0, answer.said


def certificate(desk: Desk) -> dict[str, Any]:
    (found,) = desk.syncd("erase", "--status", "--json").json
    shown: dict[str, Any] = desk.syncd("erase", "--show", found["id"], "--json").json
    return shown


def theirs(desk: Desk) -> AudienceState:
    """An audience in the account that somebody else filled, with whom we erase in it."""
    made = desk.local.meta_world.create(desk.meta_account, "Somebody's")
    made.add([frozenset(digests(n)) for n in (3, 4)])
    return made


def test_the_whole_way(filled: Desk, clock: Hands) -> None:
    """At once, once more, purged: on both platforms, and in audiences that are not ours."""
    other = theirs(filled)
    answer = erase(filled, clock)
    assert answer.code == 0, answer.said
    filled.local.process()
    others = [n for n in range(10) if n != 3]
    assert filled.held() == digests(*others)
    assert filled.held(google=True) == digests(*others, google=True)
    assert other.identifiers & digests(3, phones=False) == frozenset()
    assert digests(4) <= other.identifiers
    assert "all audiences at once" in answer.out
    assert "also reaches customer lists of the account that syncd does not manage" in answer.out
    assert "has no such request: audiences there" in answer.out

    later(filled, clock, hours=1)
    places = certificate(filled)["places"]
    assert [place["confirmed_at"] for place in places] == [None, None, None]
    assert all(place["removed_at"] for place in places)

    for hours in (48, 49):
        later(filled, clock, hours=hours)
    clock.pass_by(hours=80)
    assert erase(filled, clock, "--resume").code == 0
    shown = certificate(filled)
    assert shown["state"] == "complete"
    assert all(place["confirmed_at"] and place["purged_at"] for place in shown["places"])
    assert filled.local.meta_world.requests["forget"] >= 2
    kinds = [line.partition(":")[0] for line in filled.audit()]
    assert kinds.index("erasure_asked") < kinds.index("erasure_carried_out")
    assert kinds.count("erasure_completed") == 1
    assert filled.syncd("audit", "verify").code == 0
    assert filled.held() == digests(*others)
    assert filled.held(google=True) == digests(*others, google=True)


def test_nothing_given_is_shown_or_kept(filled: Desk, clock: Hands) -> None:
    """Neither by the commands, nor in the ledger's files, the audit or the certificate."""
    said = [
        erase(filled, clock),
        erase(filled, clock, given=b"email: not an address\n"),
        erase(filled, clock, given=f"name: {email(4)}\n".encode()),
        here("-v", "erase", "--resume", config=filled.config, clock=clock),
    ]
    later(filled, clock, hours=49)
    certificate(filled)
    places: dict[str, bytes] = dict(files_in(filled.var))
    told = (("audit", "export"), ("runs", "--json"), ("erase", "--status", "--json"))
    said += [filled.syncd(*words) for words in told]
    for number, answer in enumerate(said):
        places[f"answer {number}"] = answer.said.encode()
    assert any(name.endswith(".erasure") for name in places)
    planted = [email(3), email(4), phone(3), "0" + phone(3).removeprefix("+31")]
    assert leaks(planted, places) == []
    assert "not an address" not in said[1].said


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (b"", "standard input is empty"),
        (b"\n  \n", "standard input is empty"),
        (b"email: nobody\n", "email 1 of standard input cannot be used"),
        (b"Anna Bos\n", "line 1 of standard input is not understood"),
        (b"\xff\xfe\n", "not text in UTF-8"),
    ],
)
def test_what_cannot_be_used_erases_nobody(
    filled: Desk, clock: Hands, given: bytes, says: str
) -> None:
    held, before = filled.held(), filled.changes()
    answer = erase(filled, clock, given=given)
    assert (answer.code, says in answer.err) == (2, True), answer.said
    assert filled.syncd("erase", "--status", "--json").json == []
    assert (filled.held(), filled.changes()) == (held, before)


def test_a_value_on_the_command_line_is_refused(filled: Desk, clock: Hands) -> None:
    answer = erase(filled, clock, email(3))
    assert answer.code == 2
    assert "values are read from standard input" in answer.err
    assert email(3) not in answer.said
    assert filled.held() == digests(*range(10))


def test_an_erasure_is_kept_while_another_process_pushes(filled: Desk, clock: Hands) -> None:
    """Exit 75; the next run removes before it does anything else."""
    with hold(filled.var, holder="another"):
        answer = erase(filled, clock)
    assert answer.code == 75
    assert "is kept and nobody is sent again" in answer.err
    assert filled.held() == digests(*range(10))
    later(filled, clock, minutes=1)
    others = [n for n in range(10) if n != 3]
    assert filled.held() == digests(*others)
    assert filled.held(google=True) == digests(*others, google=True)


@pytest.mark.parametrize("method", ["remove", "forget"])
def test_meta_being_down_holds_up_neither_google_nor_what_comes_later(
    filled: Desk, clock: Hands, method: str
) -> None:
    filled.fault(kind="reset", method=method, times=LONG)
    answer = erase(filled, clock)
    assert answer.code == 1
    assert "meta answered no_answer" in answer.err
    filled.local.faults.clear()
    filled.local.process()
    others = [n for n in range(10) if n != 3]
    assert filled.held(google=True) == digests(*others, google=True)
    assert any(place["trouble"] for place in certificate(filled)["places"])
    status = filled.syncd("status")
    assert "erasures that are not complete: 1" in status.out

    other = theirs(filled)
    later(filled, clock, minutes=1)
    assert filled.held() == digests(*others)
    assert not any(place["trouble"] for place in certificate(filled)["places"])
    assert method == "remove" or not other.identifiers & digests(3, phones=False)


def test_an_audience_whose_sync_is_gone_is_erased_from(filled: Desk, clock: Hands) -> None:
    """Removed from the configuration; `erase` finds it by the ledger."""
    del filled.settings["syncs"]["everyone"]
    filled.save()
    assert erase(filled, clock).code == 0
    others = [n for n in range(10) if n != 3]
    assert filled.held() == digests(*others)
    before = filled.local.meta_world.requests["remove"]
    for hours in (49, 49, 49):
        clock.pass_by(hours=hours)
        assert filled.syncd("sync", "to-google", "--wait", clock=clock).code == 0
    assert filled.local.meta_world.requests["remove"] == before + 1, "confirmed by another's run"
    assert certificate(filled)["state"] == "complete"


def test_an_audience_whose_account_is_gone_is_named(filled: Desk, clock: Hands) -> None:
    """Nothing can be sent there; the certificate says so, and it stays open."""
    del filled.settings["syncs"]["everyone"], filled.settings["accounts"]["meta"]
    filled.save()
    answer = erase(filled, clock)
    assert answer.code == 3
    assert "is not configured any more" in answer.out
    filled.local.process()
    assert digests(3) <= filled.held()
    for hours in (49, 49, 80):
        clock.pass_by(hours=hours)
        assert filled.syncd("sync", "to-google", "--wait", clock=clock).code == 0
    assert certificate(filled)["state"] == "open"


def test_a_plan_from_before_is_refused(filled: Desk, clock: Hands) -> None:
    """It would add whoever was erased since."""
    filled.join(20, 21)
    shown = filled.syncd("plan", "everyone", "--json", clock=clock)
    assert erase(filled, clock, given=email(20).encode()).code == 0
    answer = filled.syncd("sync", "everyone", "--plan", filled.plan_of(shown), clock=clock)
    assert answer.code == 1
    assert "cancelled" in answer.err
    assert filled.syncd("sync", "everyone", clock=clock).code == 0
    assert filled.held() == digests(*range(10), 21)
    (run,) = filled.syncd("runs", "--limit", "1", "--json").json
    counts = filled.syncd("runs", "show", run["id"], "--json").json["plan"]["counts"]
    assert counts["lost"] == {"erased": 1}


def test_a_plan_from_after_is_carried_out(filled: Desk, clock: Hands) -> None:
    """An erasure that still settles is in nobody's way."""
    assert erase(filled, clock).code == 0
    later(filled, clock, minutes=1)
    filled.join(20)
    shown = filled.syncd("plan", "everyone", "--json", clock=clock)
    answer = filled.syncd("sync", "everyone", "--plan", filled.plan_of(shown), clock=clock)
    assert answer.code == 0, answer.said
    assert filled.held() == digests(*(n for n in range(10) if n != 3), 20)


def test_an_erasure_leaves_a_hold_in_sight(filled: Desk, clock: Hands) -> None:
    """And what is held can still be approved; who was erased goes all the same."""
    filled.leave(*range(5, 10))
    assert filled.syncd("sync", "everyone", clock=clock).code == 4
    assert erase(filled, clock).code == 0
    assert filled.held() == digests(*(n for n in range(10) if n != 3))
    status = filled.syncd("status", "--json", clock=clock).json["syncs"][0]
    assert status["state"] == "held"
    plan = status["needs"].split()[-1]
    assert filled.syncd("approve", plan, clock=clock).code == 0
    assert filled.held() == digests(0, 1, 2, 4)
