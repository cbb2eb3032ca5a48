"""A segment's arms: each its own audience, one control for all, never churn in silence."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from syncd.app import open_app
from syncd.model import Arms, Holdout
from syncd.web import catalogue
from syncd.web.frame import Frame
from syncd.web.publishing import publish
from syncd.web.reading import published
from syncd.web.rendering import render
from tests.integration.canonical_desk import key, orders, people
from tests.integration.commands import Answer, Desk, Hands, approvable, digests, email, phone
from tests.integration.databases import Database
from tests.integration.known_key import know

ALL = range(200)
SINCE = "2026-09-01T00:00+00:00"
NOW = datetime(2026, 10, 1, tzinfo=UTC)


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def shop(desk: Desk) -> Desk:
    """Two arms of two hundred, each with an audience of its own."""
    know(desk)
    desk.join(*ALL)
    desk.settings["segments"]["everyone"]["arms"] = ["a", "b"]
    desk.sync["arm"] = "a"
    desk.also("other", arm="b", audience="Other")
    return desk


def split(desk: Desk, a: float = 0.5, count: int = 200) -> tuple[set[int], set[int]]:
    """Who is in arm a and who in arm b, by the ledger's own key; there must be a ledger."""
    keys = pa.array([f"c:{number:05}".encode() for number in range(count)])
    with open_app(desk.config) as app:
        places = app.split(Arms({"a": a, "b": 1 - a}, "everyone")).places(keys)
    first = {int(number) for number in np.flatnonzero(places == 0)}
    return first, set(range(count)) - first


def control(desk: Desk, share: float, count: int = 200) -> set[int]:
    keys = pa.array([f"c:{number:05}".encode() for number in range(count)])
    with open_app(desk.config) as app:
        marks = app.control(Holdout(share, "everyone")).marks(keys).to_pylist()
    return {number for number, held in enumerate(marks) if held}


def counts(answer: Answer, place: int = 0) -> dict[str, object]:
    found: dict[str, object] = answer.json[place]["counts"]
    return found


def test_each_arm_is_an_audience_and_the_control_is_in_none(shop: Desk, clock: Hands) -> None:
    shop.settings["segments"]["everyone"]["holdout"] = "20%"
    shop.save()
    answer = shop.syncd("sync", "everyone", "other", clock=clock)
    assert answer.code == 0, answer.said
    (first, second), held = split(shop), control(shop, 0.2)
    assert shop.held() == digests(*first - held)
    assert shop.held("Other") == digests(*second - held)
    found = counts(shop.syncd("plan", "--json", clock=clock))
    assert found["lost"] == {"held out": len(held), "in another arm": len(second - held)}
    assert found["arm"] == "a of a 50%, b 50%"
    preview = shop.syncd("segments", "preview", "everyone", "--json").json["groups"]
    assert preview == {
        "held out": len(held),
        "arm a": len(first - held),
        "arm b": len(second - held),
    }
    assert f"arm a: {len(first - held)} (" in shop.syncd("segments", "preview", "everyone").out
    assert "arms: a 50%, b 50%" in shop.syncd("segments", "show", "everyone").out


def test_a_changed_share_moves_some_one_way_and_plan_says_so(shop: Desk, clock: Hands) -> None:
    assert shop.syncd("sync", "everyone", "other", clock=clock).code == 0
    shop.settings["segments"]["everyone"]["arms"] = {"b": "60%", "a": "40%"}
    shop.save()
    moved = split(shop)[0] - split(shop, 0.4)[0]
    assert split(shop, 0.4)[0] < split(shop)[0]
    planned = shop.syncd("plan", clock=clock).out
    assert "This is arm a of a 40%, b 60%; in another one: " in planned
    assert "Before, this was arm a of a 50%, b 50%." in planned
    assert f"{len(moved)} of them were sent before, and leave as they are in another" in planned
    both = shop.syncd("plan", "--json", clock=clock)
    assert (counts(both)["joining_arms"], counts(both)["additions"]) == (len(moved), 0)
    assert (counts(both, 1)["removals"], counts(both, 1)["additions"]) == (0, len(moved))
    assert shop.syncd("sync", "everyone", "other", clock=clock).code == 0
    assert shop.held() == digests(*split(shop, 0.4)[0])
    assert shop.held("Other") == digests(*split(shop, 0.4)[1])
    assert "Before, this was" not in shop.syncd("plan", clock=clock).out


def test_a_first_split_beyond_the_guard_waits_and_the_person_is_told_why(
    shop: Desk, clock: Hands
) -> None:
    del shop.sync["arm"]
    shop.save()
    assert shop.syncd("sync", "everyone", clock=clock).code == 0
    assert shop.held() == digests(*ALL)
    shop.sync["arm"] = "a"
    shop.save()
    first, second = split(shop)
    answer = shop.syncd("sync", "everyone", clock=clock)
    assert answer.code == 4
    assert f"{len(second)} of the members who would leave are in another arm" in answer.out
    assert "Before, this was the whole segment." in shop.syncd("plan", "everyone", clock=clock).out
    assert shop.syncd("approve", approvable(answer), clock=clock).code == 0
    assert shop.held() == digests(*first)


def test_a_plan_drawn_before_the_arms_changed_is_not_carried_out(shop: Desk, clock: Hands) -> None:
    assert shop.syncd("sync", "everyone", clock=clock).code == 0
    plan = shop.plan_of(shop.syncd("plan", "everyone", "--json", clock=clock))
    shop.settings["segments"]["everyone"]["arms"] = {"shares": ["a", "b"], "seed": "again"}
    shop.save()
    refused = shop.syncd("sync", "everyone", "--plan", plan, clock=clock)
    assert "the configuration changed since" in refused.err


@pytest.mark.parametrize(
    ("arm", "why"),
    [("c", "segment everyone has no arm c; there is a, b"), ("A", "did you mean a?")],
)
def test_an_arm_that_the_segment_does_not_have_is_refused(desk: Desk, arm: str, why: str) -> None:
    desk.settings["segments"]["everyone"]["arms"] = ["a", "b"]
    desk.sync["arm"] = arm
    desk.save()
    answer = desk.syncd("config", "check")
    assert answer.code == 78
    assert why in answer.err


def test_lift_compares_each_arm_with_the_control_and_with_the_other(
    desk: Desk, canonical: Database
) -> None:
    """Who shares an identifier with somebody of another arm is in neither."""
    know(desk)
    desk.settings["segments"]["everyone"] = {
        "use": "all_customers",
        "holdout": "25%",
        "arms": ["a", "b"],
    }
    desk.sync["arm"] = "a"
    desk.also("other", arm="b", audience="Other")
    people(canonical, range(300))
    orders(canonical, [(n, "2026-07-01 12:00:00", "10.00") for n in range(300)])
    august = Hands(datetime(2026, 8, 1, tzinfo=UTC))
    assert desk.syncd("sync", "everyone", "other", clock=august).code == 0
    keys = pa.array([key(n).encode() for n in range(300)])
    with open_app(desk.config) as app:
        places = app.split(Arms({"a": 0.5, "b": 0.5}, "everyone")).places(keys)
        held = np.array(app.control(Holdout(0.25, "everyone")).marks(keys))
    a, b = (sorted(np.flatnonzero(~held & (places == place)).tolist()) for place in (0, 1))
    canonical.execute(
        f"UPDATE customers SET phone = '00{phone(a[0])[1:]}' WHERE email = '{email(b[0])}'"
    )
    orders(canonical, [(n, "2026-09-15 00:00:00", "20.00") for n in (*a[:31], *b[:11])])
    asked = ("segments", "lift", "everyone", "--since", SINCE)
    answer = desk.syncd(*asked, "--json", clock=Hands(NOW))
    assert answer.code == 0, answer.said
    found = answer.json["lift"]
    assert (found["members"], found["related"]) == (300, 2)
    assert found["lift"]["exposed"]["members"] == len(a) + len(b) - 2
    trials = {(one["one"], one["other"]): one["lift"] for one in found["trials"]}
    assert list(trials) == [("a", "control"), ("b", "control"), ("a", "b")]
    sides = trials["a", "b"]
    assert (sides["exposed"]["members"], sides["exposed"]["buyers"]) == (len(a) - 1, 30)
    assert (sides["control"]["members"], sides["control"]["buyers"]) == (len(b) - 1, 10)
    assert trials["a", "control"]["control"]["members"] == int(held.sum())
    more = 30 * 20 / (len(a) - 1) - 10 * 20 / (len(b) - 1)
    assert sides["revenue"]["value"] == pytest.approx(more)
    said = desk.syncd(*asked, clock=Hands(NOW)).out
    assert "arm a over arm b" in said
    assert "beware: 3 comparisons at 95 % each" in said
    desk.settings["syncs"]["other"]["audience"] = "Third"
    desk.sync["arm"] = "b"
    desk.save()
    none = desk.syncd(*asked, clock=Hands(NOW))
    assert (none.code, "no sync sends arm a of segment everyone" in none.err) == (2, True)


@pytest.mark.parametrize("holdout", ["20%", None])
def test_the_page_shows_each_arm_beside_the_hold_out(
    desk: Desk, canonical: Database, holdout: str | None
) -> None:
    """What the survey keeps of a split segment, to the figure; of each two sides that it has."""
    know(desk)
    people(canonical, range(400))
    desk.settings["page"] = {"directory": str(desk.folder / "page")}
    desk.settings["segments"]["everyone"] = {
        "use": "all_customers",
        "arms": ["a", "b"],
        **({"holdout": holdout} if holdout else {}),
    }
    desk.sync["arm"] = "a"
    desk.also("other", arm="b", audience="Other")
    orders(canonical, [(n, "2026-08-01 12:00:00", "10.00") for n in range(400)])
    at = Hands(datetime(2026, 8, 15, tzinfo=UTC))
    assert desk.syncd("sync", "everyone", "other", clock=at).code == 0
    orders(canonical, [(n, "2026-09-15 12:00:00", "90.50") for n in range(0, 400, 3)])
    assert desk.syncd("segments", "survey", clock=Hands(NOW)).code == 0
    with open_app(desk.config, clock=Hands(NOW)) as app:
        survey = app.ledger.surveys.latest()
        publish(app)
    assert survey is not None
    (kept,) = (json.loads(each.figures) for each in survey.lifts)
    with published(desk.folder / "page") as seen:
        frame = Frame(NOW, seen.now.at, seen.now.zone, "", "/segments", {})
        text = render("segments", frame, catalogue.segments(seen, frame))
    section = text.split('<h2 id="lift">')[1].split("</section>")[0]
    told = [("Exposed against control", kept["lift"])] if kept["lift"] else []
    for one in kept["trials"]:
        other = one["other"] if one["other"] == "control" else f"arm {one['other']}"
        told.append((f"Arm {one['one']} against {other}", one["lift"]))
    against = ["Exposed against control", "Arm a against control", "Arm b against control"]
    assert [title for title, _ in told] == [*(against if holdout else ()), "Arm a against arm b"]
    parts = section.split("<h4>")[1:] if holdout else [section]  # one comparison needs no title
    for (title, lift), part in zip(told, parts, strict=True):
        assert part.startswith(f"{title}</h4>") or not holdout
        sizes = re.findall(r'</th><td class="n">([\d,]+)</td><td class="n">([\d,]+)</td>', part)
        assert [(int(members), int(buyers)) for members, buyers in sizes] == [
            (lift[side]["members"], lift[side]["buyers"]) for side in ("exposed", "control")
        ]
