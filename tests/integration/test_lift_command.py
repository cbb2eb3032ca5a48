"""`segments lift`: the shop's own orders, by who was exposed and who was held out."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from syncd.app import open_app
from syncd.model import Holdout
from tests.integration.canonical_desk import ORDERS, consents, key, orders, people
from tests.integration.commands import Desk, Hands, email, phone
from tests.integration.databases import DIALECTS, Database
from tests.integration.known_key import know

BEFORE = datetime(2026, 8, 1, tzinfo=UTC)
SINCE = "2026-09-01T00:00+00:00"
NOW = datetime(2026, 10, 1, tzinfo=UTC)
ALL = range(400)
SHARE = 0.25


@pytest.fixture
def shop(desk: Desk, canonical: Database) -> Database:
    """Four hundred who bought in July, a quarter of them held out; synced in August."""
    know(desk)
    desk.settings["segments"]["everyone"] = {"use": "all_customers", "holdout": "25%"}
    desk.save()
    people(canonical, ALL)
    orders(canonical, [(n, "2026-07-01 12:00:00", "10.00") for n in ALL])
    assert desk.syncd("sync", "everyone", clock=Hands(BEFORE)).code == 0
    return canonical


def control(desk: Desk) -> set[int]:
    with open_app(desk.config) as app:
        marks = app.control(Holdout(SHARE, "everyone")).marks(
            pa.array([key(n).encode() for n in ALL])
        )
    return {n for n, held in zip(ALL, marks.to_pylist(), strict=True) if held}


def asked(desk: Desk, *words: str) -> dict[str, object]:
    answer = desk.syncd(
        *("segments", "lift", "everyone", "--since", SINCE, *words, "--json"), clock=Hands(NOW)
    )
    assert answer.code == 0, answer.said
    found: dict[str, object] = answer.json
    return found


@pytest.mark.parametrize("dialect", DIALECTS)
def test_orders_since_then_count_by_who_was_exposed(desk: Desk, shop: Database) -> None:
    """Before and after the time nothing counts, nor what came back; strangers neither."""
    held = control(desk)
    exposed = sorted(set(ALL) - held)
    some = sorted(held)[:20]
    people(shop, [900])
    orders(
        shop,
        [
            *((n, "2026-08-31 23:59:59", "500.00") for n in some),
            *((n, "2026-09-01 00:00:00", "20.50") for n in exposed[:90]),
            *((n, "2026-09-15 00:00:00", "9.50") for n in exposed[:30]),
            *((n, "2026-09-30 23:59:59", "10.00") for n in some),
            *((n, "2026-10-01 00:00:00", "700.00") for n in exposed[:50]),
            (900, "2026-09-15 00:00:00", "800.00"),
        ],
    )
    returned = ("o:back", key(exposed[0]), "2026-09-02 00:00:00", True, "60.00", "60.00")
    shop.load("orders", ORDERS, [returned])
    found = asked(desk)
    lift = found["lift"]
    assert isinstance(lift, dict)
    assert (lift["members"], lift["unsent"], lift["related"]) == (400, 0, 0)
    arms = lift["lift"]
    assert arms["exposed"]["members"] == len(exposed)
    assert arms["control"]["members"] == len(held)
    assert (arms["exposed"]["buyers"], arms["exposed"]["orders"]) == (90, 120)
    assert arms["exposed"]["revenue"] == pytest.approx(90 * 20.5 + 30 * 9.5)
    assert (arms["control"]["buyers"], arms["control"]["revenue"]) == (20, 200)
    more = (90 * 20.5 + 30 * 9.5) / len(exposed) - 200 / len(held)
    assert arms["revenue"]["value"] == pytest.approx(more)
    assert arms["more_revenue"]["value"] == pytest.approx(more * len(exposed))
    assert arms["revenue"]["low"] < more < arms["revenue"]["high"]
    assert found["caveats"] == []
    until = asked(desk, "--until", "2026-09-10")["lift"]
    assert isinstance(until, dict)
    assert (until["lift"]["exposed"]["orders"], until["lift"]["control"]["orders"]) == (90, 0)


def test_who_could_not_be_sent_or_is_reached_anyway_is_on_neither_side(
    desk: Desk, shop: Database
) -> None:
    """Families are left out on both sides, or the control would have fewer of them."""
    held, exposed = sorted(control(desk)), sorted(set(ALL) - control(desk))
    consents(shop, [(n, "ads", "denied") for n in (*held[:3], *exposed[:5])])
    phones = [(held[10], exposed[10]), (exposed[20], exposed[21]), (held[20], held[21])]
    for one, other in phones:
        # Written otherwise, and the same number.
        shop.execute(
            f"UPDATE customers SET phone = '00{phone(one)[1:]}' WHERE email = '{email(other)}'"
        )
    lift = asked(desk)["lift"]
    assert isinstance(lift, dict)
    assert (lift["unsent"], lift["reached"], lift["related"]) == (8, 1, 6)
    arms = lift["lift"]
    assert arms["control"]["members"] == len(held) - 3 - 3
    assert arms["exposed"]["members"] == len(exposed) - 5 - 3


def test_who_has_not_granted_consent_is_on_no_side_where_a_sync_asks_for_it(
    desk: Desk, shop: Database
) -> None:
    """Everybody is in the Netherlands, where Google takes nobody who has not granted it."""
    desk.sync.update(account="google", audience="Asked")
    desk.save()
    granted = range(0, len(ALL), 2)
    consents(shop, [(n, "ads", "granted") for n in granted])
    found = asked(desk)["lift"]
    assert isinstance(found, dict)
    held = control(desk) & set(granted)
    assert found["unsent"] == len(ALL) - len(granted)
    sides = [found["lift"][side]["members"] for side in ("exposed", "control")]
    assert sides == [len(granted) - len(held), len(held)]


def test_members_are_those_of_then(desk: Desk, shop: Database) -> None:
    """Who was no member yet is on no side, whatever they bought meanwhile."""
    people(shop, [901])
    orders(shop, [(901, "2026-09-15 00:00:00", "99.00")])
    lift = asked(desk)["lift"]
    assert isinstance(lift, dict)
    assert lift["members"] == 400


@pytest.mark.usefixtures("shop")
def test_what_makes_a_lift_doubtful_is_said(desk: Desk) -> None:
    desk.settings["segments"]["everyone"]["holdout"] = "30%"
    desk.save()
    answer = desk.syncd("segments", "lift", "everyone", "--since", SINCE, clock=Hands(NOW))
    assert answer.code == 0, answer.said
    assert "beware: sync everyone ran with a hold-out of 25% in this time, and now it is" in (
        answer.out
    )
    assert "members 0 bought: too few to say much" in answer.out
    assert "may be chance" in answer.out
    early = desk.syncd("segments", "lift", "everyone", "--since", "2026-07-15", clock=Hands(NOW))
    assert "beware: sync everyone had not run by 2026-07-14 22:00 UTC" in early.out
    desk.sql("everyone", "SELECT customer_key, email, phone FROM customers")
    desk.settings["segments"]["everyone"] = {"sql": "segments/everyone.sql", "holdout": "25%"}
    desk.save()
    own = desk.syncd("segments", "lift", "everyone", "--since", SINCE, clock=Hands(NOW))
    assert "beware: the SQL of segment everyone does not ask for :as_of" in own.out


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("everyone", "--since", SINCE), "has no hold-out: set segments.everyone.holdout, as 5%"),
        (("nobody", "--since", SINCE), "no sync sends segment nobody"),
        (("sent", "--since", "2027-01-01"), "--since must lie before --until"),
        (("sent", "--since", "a while"), "'a while' is no moment; write 30d"),
        (("sent", "--since", SINCE), "0 exposed and 0 held-out members that can be compared"),
    ],
)
def test_a_lift_that_cannot_be_is_refused(desk: Desk, words: tuple[str, ...], why: str) -> None:
    sql = "SELECT customer_key, email, NULL AS value FROM customers"
    desk.sql("everyone", sql)
    desk.settings["segments"]["nobody"] = {"use": "whales", "holdout": "5%"}
    desk.settings["segments"]["sent"] = {"sql": "segments/everyone.sql", "holdout": "5%"}
    desk.also("sent", segment="sent", audience="Sent")
    for column in ("city", "region", "deleted"):
        desk.change(f"ALTER TABLE customers ADD COLUMN {column}")
    desk.change(f"CREATE TABLE orders ({', '.join(ORDERS)})")
    answer = desk.syncd("segments", "lift", *words, clock=Hands(NOW))
    assert answer.code == 2, answer.said
    assert why in answer.err
