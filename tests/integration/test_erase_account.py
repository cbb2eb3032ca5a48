"""Erasing at Meta beyond our audiences, over the real SDK: for good, and told as it is."""

from __future__ import annotations

import json

from connectors.sandbox.state import AudienceState
from tests.integration.commands import Answer, Desk, Hands, digests, email, here, phone

GIVEN = f"{email(3)}\n{phone(3)}\n".encode()
OTHERS = [n for n in range(10) if n != 3]


def begun(desk: Desk, clock: Hands) -> AudienceState:
    """Ten customers on Meta; and in its account an audience of somebody else's, with one more."""
    desk.join(*range(10))
    assert desk.syncd("sync", "everyone", clock=clock).code == 0
    made = desk.local.meta_world.create(desk.meta_account, "Somebody's")
    made.add([frozenset(digests(n)) for n in (3, 44)])
    return made


def erase(desk: Desk, clock: Hands, *words: str) -> Answer:
    return here("erase", *words, config=desk.config, clock=clock, given=GIVEN)


def of_account(desk: Desk) -> dict[str, object]:
    """The certificate's place that is the whole account."""
    (found,) = desk.syncd("erase", "--status", "--json").json
    shown = desk.syncd("erase", "--show", found["id"], "--json").json
    (place,) = [one for one in shown["places"] if not one["audience"]]
    assert isinstance(place, dict)
    return place


def test_no_full_sync_brings_an_erased_person_back(desk: Desk) -> None:
    """Though the shop still returns them: at once, while it settles, and once it is complete."""
    clock = Hands()
    other = begun(desk, clock)
    assert erase(desk, clock).code == 0
    for hours in (0, 1, 48, 49, 80):
        clock.pass_by(hours=hours)
        assert desk.syncd("sync", "everyone", "--full", clock=clock).code == 0
        assert desk.held() == digests(*OTHERS)
        assert not other.identifiers & digests(3, phones=False)
        assert digests(44) <= other.identifiers
    assert erase(desk, clock, "--resume").code == 0
    place = of_account(desk)
    assert place["removed_at"]
    assert place["confirmed_at"]
    assert desk.local.meta_world.requests["forget"] == 2


def test_replacing_the_whole_audience_brings_nobody_back_either(desk: Desk) -> None:
    clock = Hands()
    begun(desk, clock)
    assert erase(desk, clock).code == 0
    answer = desk.syncd("reconcile", "everyone", "--replace", clock=clock)
    assert answer.code == 0, answer.said
    assert desk.held() == digests(*OTHERS)


def test_terms_that_are_not_accepted_keep_an_erasure_open_and_are_told(desk: Desk) -> None:
    """Meta takes nobody out then. Once they are accepted, it is carried on."""
    clock = Hands()
    other = begun(desk, clock)
    about = desk.local.meta_world.about[desk.meta_account]
    about["custom_audience_tos"] = 0
    answer = erase(desk, clock)
    assert answer.code != 0
    assert "accept the custom audience terms" in answer.said
    place = of_account(desk)
    assert place["removed_at"] is None
    assert "accept the custom audience terms" in json.dumps(place)
    assert digests(3, phones=False) <= other.identifiers

    about.clear()
    assert erase(desk, clock, "--resume").code == 0
    assert of_account(desk)["removed_at"]
    assert not other.identifiers & digests(3, phones=False)
    assert desk.held() == digests(*OTHERS)
