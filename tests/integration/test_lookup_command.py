"""`syncd lookup`: from standard input to sentences, over the vendors' own SDKs."""

from __future__ import annotations

import pytest

from syncd.ledger.lock import hold
from tests.integration.canaries import files_in, leaks
from tests.integration.commands import Answer, Desk, Hands, email, here, phone


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def filled(desk: Desk, clock: Hands) -> Desk:
    """Four customers, on Meta and on Google."""
    desk.also("to-google", account="google")
    desk.join(*range(4), consent="granted")
    assert desk.syncd("sync", "everyone", "to-google", "--wait", clock=clock).code == 0
    return desk


def lookup(desk: Desk, clock: Hands, *words: str, given: str) -> Answer:
    return here("lookup", *words, config=desk.config, clock=clock, given=given.encode())


def test_where_a_person_is_by_each_platforms_rules(filled: Desk, clock: Hands) -> None:
    """However it is written; beside a daemon too, which holds the lock."""
    first = {run["sync"]: run["id"] for run in filled.syncd("runs", "--json").json}
    with hold(filled.var, holder="daemon", url="sqlite:///", password=None):
        answer = lookup(filled, clock, given=f" {email(3).upper()}\n{phone(3)}\n")
    assert answer.code == 0, answer.said
    assert f"by run {first['everyone']} (everyone, rules meta" in answer.out
    assert f"by run {first['to-google']} (everyone for to-google, rules google" in answer.out
    assert answer.out.count("by email: in it, the platform accepted it; since ") == 2
    assert answer.out.count("by phone: in it, the platform accepted it; since ") == 2
    assert "note: who left before " in answer.out

    told = lookup(filled, clock, "--json", given=email(3)).json
    assert (told["there"], told["found"]) == (True, True)
    assert {place["platform"] for place in told["places"]} == {"meta", "google"}
    for place in told["places"]:
        (trace,) = place["traces"]
        assert trace["began"]["run"] == first[place["sync"]]
        assert (trace["kind"], trace["standing"], trace["ended"]) == ("email", "certain", None)


def test_nothing_given_is_shown_or_kept(filled: Desk, clock: Hands) -> None:
    """Neither in the answer, nor in the ledger's files or the audit; who asked is."""
    said = [
        lookup(filled, clock, given=f"{email(3)}\n{phone(2)}"),
        lookup(filled, clock, given="email: not an address"),
        lookup(filled, clock, given="nobody@example.com"),
        lookup(filled, clock, email(3), given=""),
        filled.syncd("audit", "show"),
        filled.syncd("audit", "export"),
    ]
    assert [answer.code for answer in said] == [0, 2, 0, 2, 0, 0]
    assert "nothing was found" in said[2].out
    assert "values are read from standard input" in said[3].err
    assert said[4].out.count("looked up one person") == 2
    places: dict[str, bytes] = dict(files_in(filled.var))
    for number, answer in enumerate(said):
        places[f"answer {number}"] = answer.said.encode()
    assert leaks([email(3), phone(2), "nobody@example.com"], places) == []
    assert filled.syncd("audit", "verify").code == 0


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("", "standard input is empty"),
        ("customer_key: c:3", "line 1 of standard input is not understood"),
        ("Anna Bos", "line 1 of standard input is not understood"),
    ],
)
def test_what_cannot_be_used_is_not_looked_up(
    filled: Desk, clock: Hands, given: str, says: str
) -> None:
    answer = lookup(filled, clock, given=given)
    assert (answer.code, says in answer.err) == (2, True), answer.said
    assert "looked up" not in filled.syncd("audit", "show").out


def test_an_erased_person_is_named_as_such_and_not_remembered(filled: Desk, clock: Hands) -> None:
    asked = here("erase", config=filled.config, clock=clock, given=email(3).encode())
    assert asked.code == 0, asked.said
    for _ in range(3):
        filled.local.process()
        clock.pass_by(hours=49)
        assert here("erase", "--resume", config=filled.config, clock=clock).code == 0
    answer = lookup(filled, clock, "--json", given=email(3))
    assert answer.code == 0, answer.said
    told = answer.json
    assert (told["there"], told["found"], len(told["erasures"])) == (False, False, 1)
    assert lookup(filled, clock, "--json", given=email(2)).json["there"]
