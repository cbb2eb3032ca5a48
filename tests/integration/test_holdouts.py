"""A segment's control group: never sent, the same everywhere, never churn in silence."""

from __future__ import annotations

import pyarrow as pa
import pytest

from syncd.app import open_app
from syncd.model import Holdout
from tests.integration.commands import Answer, Desk, Hands, approvable, digests, email, phone
from tests.integration.known_key import know

ALL = range(200)


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def shop(desk: Desk) -> Desk:
    know(desk)
    desk.join(*ALL)
    return desk


def hold_out(desk: Desk, holdout: object, segment: str = "everyone") -> None:
    """Let the segment have this hold-out; None for none."""
    desk.settings["segments"][segment].pop("holdout", None)
    if holdout is not None:
        desk.settings["segments"][segment]["holdout"] = holdout
    desk.save()


def control(desk: Desk, share: float, seed: str = "everyone") -> set[int]:
    """Who is held out, by the ledger's own key; there must be a ledger."""
    keys = [f"c:{number:05}".encode() for number in ALL]
    with open_app(desk.config) as app:
        marks = app.control(Holdout(share, seed)).marks(pa.array(keys)).to_pylist()
    return {number for number, held in zip(ALL, marks, strict=True) if held}


def rest(desk: Desk, share: float, seed: str = "everyone") -> set[int]:
    return set(ALL) - control(desk, share, seed)


def counts(answer: Answer) -> dict[str, object]:
    found: dict[str, object] = answer.json[0]["counts"]
    return found


def test_whoever_is_held_out_is_sent_nowhere(shop: Desk, clock: Hands) -> None:
    """One control for all audiences of the segment, whatever platform they are on."""
    hold_out(shop, "20%")
    shop.also("to-google", account="google", identifiers=["email"])
    shop.change("UPDATE customers SET ad_consent = 'granted'")
    answer = shop.syncd("sync", "everyone", "to-google", clock=clock)
    assert answer.code == 0, answer.said
    sent = rest(shop, 0.2)
    assert 20 < 200 - len(sent) < 65
    assert shop.held() == digests(*sent)
    assert shop.held(google=True) == digests(*sent, phones=False, google=True)
    said = next(line for line in shop.audit() if line.startswith("plan_made"))
    assert f"Held out as control (20% of the segment): {200 - len(sent)}." in said
    assert "by consent" not in said


def test_who_may_not_be_sent_anyway_is_no_control(shop: Desk, clock: Hands) -> None:
    """Nobody could compare them with who was sent."""
    hold_out(shop, "20%")
    shop.change("UPDATE customers SET ad_consent = 'denied' WHERE customer_key < 'c:00100'")
    assert shop.syncd("sync", "everyone", clock=clock).code == 0
    lost = counts(shop.syncd("plan", "--json", clock=clock))["lost"]
    held = {number for number in control(shop, 0.2) if number >= 100}
    assert lost == {"denied": 100, "held out": len(held)}


def test_a_new_hold_out_takes_back_who_was_sent_and_says_so(shop: Desk, clock: Hands) -> None:
    """Of members of whom nothing else changed, so that their rows need no digesting."""
    assert shop.syncd("sync", "everyone", clock=clock).code == 0
    assert shop.held() == digests(*ALL)
    hold_out(shop, "10%")
    held = control(shop, 0.1)
    planned = shop.syncd("plan", "everyone", clock=clock)
    assert "The share held out changes from 0% to 10%." in planned.out
    assert f"{len(held)} of them were sent before, and leave to join the control" in planned.out
    assert shop.syncd("sync", "everyone", clock=clock).code == 0
    assert shop.held() == digests(*rest(shop, 0.1))
    again = shop.syncd("plan", "everyone", "--json", clock=clock)
    assert (counts(again)["removals"], counts(again)["joining_control"]) == (0, 0)
    assert (counts(again)["holdout"], counts(again)["holdout_before"]) == (0.1, 0.1)
    assert "changes from" not in shop.syncd("plan", "everyone", clock=clock).out


def test_a_smaller_share_sends_some_and_removes_nobody(shop: Desk, clock: Hands) -> None:
    hold_out(shop, "20%")
    assert shop.syncd("sync", "everyone", clock=clock).code == 0
    hold_out(shop, "10%")
    planned = shop.syncd("plan", "everyone", "--json", clock=clock)
    came = control(shop, 0.2) - control(shop, 0.1)
    assert (counts(planned)["additions"], counts(planned)["removals"]) == (len(came), 0)
    shop.syncd("sync", "everyone", clock=clock)
    assert shop.held() == digests(*rest(shop, 0.1))
    hold_out(shop, None)
    shop.syncd("sync", "everyone", clock=clock)
    assert shop.held() == digests(*ALL)


def test_a_share_beyond_the_guard_waits_for_a_person_who_is_told_why(
    shop: Desk, clock: Hands
) -> None:
    """45% for 4.5% is a slip of the pen; what leaves by it is counted apart from churn."""
    assert shop.syncd("sync", "everyone", clock=clock).code == 0
    shop.leave(0, 1, 2)
    hold_out(shop, "45%")
    answer = shop.syncd("sync", "everyone", clock=clock)
    held = {number for number in control(shop, 0.45) if number > 2}
    assert answer.code == 4
    assert f"{len(held) + 3} of 200 members would leave" in answer.out
    assert f"{len(held)} of the members who would leave are held out as control" in answer.out
    assert shop.held() == digests(*ALL)
    assert shop.syncd("approve", approvable(answer), clock=clock).code == 0
    assert shop.held() == digests(*rest(shop, 0.45) - {0, 1, 2})


def test_a_plan_drawn_before_the_share_changed_is_not_carried_out(shop: Desk, clock: Hands) -> None:
    assert shop.syncd("sync", "everyone", clock=clock).code == 0
    hold_out(shop, "10%")
    plan = shop.plan_of(shop.syncd("plan", "everyone", "--json", clock=clock))
    for changed in ("15%", {"share": "10%", "seed": "another"}, None):
        hold_out(shop, changed)
        refused = shop.syncd("sync", "everyone", "--plan", plan, clock=clock)
        assert refused.code != 0
        assert "the configuration changed since" in refused.err


def test_a_seed_keeps_the_control_over_another_name(shop: Desk, clock: Hands) -> None:
    hold_out(shop, {"share": "20%", "seed": "spring"})
    assert shop.syncd("sync", "everyone", clock=clock).code == 0
    assert shop.held() == digests(*rest(shop, 0.2, "spring"))
    before = shop.changes()
    shop.settings["segments"]["all"] = shop.settings["segments"].pop("everyone")
    shop.sync["segment"] = "all"
    shop.save()
    assert shop.syncd("sync", "everyone", clock=clock).code == 0
    assert shop.changes() == before
    hold_out(shop, "20%", "all")
    planned = shop.syncd("plan", "everyone", clock=clock)
    assert "leave to join the control" in planned.out
    assert "changes from" not in planned.out


def test_a_phone_that_somebody_exposed_shares_stays(shop: Desk, clock: Hands) -> None:
    """Promise 3: what of a held-out member is an exposed one's too is not taken out."""
    assert shop.syncd("sync", "everyone", clock=clock).code == 0
    held = min(control(shop, 0.1))
    other = min(rest(shop, 0.1))
    shop.change("UPDATE customers SET phone = ? WHERE email = ?", [(phone(held), email(other))])
    assert shop.syncd("sync", "everyone", clock=clock).code == 0
    hold_out(shop, "10%")
    assert shop.syncd("sync", "everyone", clock=clock).code == 0
    found = shop.held()
    assert digests(held) - found == digests(held, phones=False)
    assert digests(held) & found == digests(held) - digests(held, phones=False)


def test_a_sync_that_takes_out_leaves_the_control_in(shop: Desk, clock: Hands) -> None:
    """Whom nobody touches is the control there too."""
    theirs = shop.local.meta_world.create(shop.meta_account, "Theirs")
    theirs.add([digests(number) for number in ALL])
    shop.sync.update(audience={"id": theirs.id}, mode="remove", guard={"max_removed": "100%"})
    hold_out(shop, "20%")
    shown = shop.syncd("sync", "everyone", clock=clock)
    answer = shop.syncd("approve", approvable(shown), clock=clock)  # Meta states no size yet
    assert answer.code == 0, answer.said
    assert shop.held("Theirs") == digests(*control(shop, 0.2))


@pytest.mark.parametrize(
    ("holdout", "why"),
    [
        ("60%", "must be more than 0% and at most 50%"),
        ("0%", "must be more than 0% and at most 50%"),
        ("five", "must be a share such as 30% or 0.3"),
        ({"shar": "5%"}, "unknown key shar; did you mean share?"),
        ({"share": "5%", "seed": "a b"}, "seed: must be a name"),
    ],
)
def test_a_hold_out_that_cannot_be_meant_is_refused(shop: Desk, holdout: object, why: str) -> None:
    hold_out(shop, holdout)
    answer = shop.syncd("config", "check")
    assert answer.code == 78
    assert f"segments.everyone.holdout: {why}" in answer.err
