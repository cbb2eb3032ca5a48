"""`segments sources` and `segments products` from the command line."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.integration.canonical_desk import ORDERS, key, people
from tests.integration.commands import Desk, Hands
from tests.integration.databases import DIALECTS, Database

NOW = datetime(2026, 10, 1, tzinfo=UTC)
LINES = ("order_key", "product_key", "sku", "qty", "qty_refunded", "unit_paid")


@pytest.fixture
def shop(desk: Desk, canonical: Database) -> Database:
    """Four hundred buyers of March; who came by Google, and began with A-1, often came back.

    By Google 0 to 99, of whom 50 came back in April for B-2; by a letter 100 to 299, of whom 20
    did; of 300 to 395 nobody knows, and of 396 to 399 it would tell who they are.
    """
    people(canonical, range(400))
    sources = ["Google"] * 100 + ["letter"] * 200 + [None] * 96 + ["ann@example.com"] * 4
    back = (*range(50), *range(100, 120))
    zone = "+00" if canonical.dialect == "postgresql" else ""
    rows = [
        (f"o:{n}:1", key(n), f"2026-03-01 12:00:00{zone}", True, "20.00", "0", sources[n])
        for n in range(400)
    ] + [(f"o:{n}:2", key(n), f"2026-04-01 12:00:00{zone}", True, "9.00", "0", "x") for n in back]
    canonical.load("orders", (*ORDERS, "utm_source"), rows)
    lines = [(f"o:{n}:1", "p", "A-1" if n < 120 else "a-2", 1, 0, "20") for n in range(400)]
    lines += [(f"o:{n}:2", "p", "B-2", 1, 0, "9.00") for n in back]
    canonical.load("order_items", LINES, lines)
    desk.settings["segments"]["back"] = {"use": "returning_customers"}
    desk.save()
    return canonical


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.usefixtures("shop")
def test_sources_of_members_stand_beside_those_of_everybody(desk: Desk) -> None:
    answer = desk.syncd("segments", "sources", "back", "--json", clock=Hands(NOW))
    assert answer.code == 0, answer.said
    told = answer.json["sources"]
    groups = {tuple(x["names"]): x for x in told["groups"]}
    assert {names: (x["buyers"], x["members"]) for names, x in groups.items()} == {
        ("google",): (100, 50),
        ("letter",): (200, 20),
    }
    # The four are too few to be shown, nor can they be had by subtraction.
    assert (told["rest"]["names"], told["rest"]["buyers"]) == (None, 100)
    assert told["rest"]["members"] == 0
    google = groups["google",]
    assert (google["of_buyers"], google["rate"]["value"]) == (0.25, 0.5)
    assert google["of_members"] == pytest.approx(50 / 70)
    assert google["lift"]["value"] == pytest.approx(0.5 / (70 / 400))
    # Wilson's and Newcombe's by hand.
    assert google["rate"]["low"] == pytest.approx(0.40383, abs=1e-5)
    assert google["lift"]["low"] == pytest.approx(0.40383 / 0.175, abs=1e-4)
    assert google["more"]["value"] == pytest.approx(0.5 - 20 / 300)
    assert google["more"]["low"] == pytest.approx(0.33131, abs=1e-5)
    assert "ann@example.com" not in answer.said


@pytest.mark.usefixtures("shop")
def test_people_see_a_table_of_sources(desk: Desk) -> None:
    answer = desk.syncd("segments", "sources", "back", "--by", "medium", clock=Hands(NOW))
    assert answer.code == 0, answer.said
    assert "70 members, of whom 70 are among the 400 buyers" in answer.out
    assert [line.split("  ")[0] for line in answer.out.splitlines()[2:5]] == [
        *("letter", "google", "(2 others)")
    ]
    assert "hardly chance" in answer.out
    assert "2 sources are not shown alone: a line stands for 10 buyers at least" in answer.out
    assert "ann@" not in answer.said
    before = desk.syncd("segments", "sources", "back", "--as-of", "2026-03-15", clock=Hands(NOW))
    assert "0 members" in before.out


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.usefixtures("shop")
def test_products_of_first_and_second_orders_stand_beside_the_others(desk: Desk) -> None:
    words = ("segments", "products", "back", "--min", "50", "--json")
    answer = desk.syncd(*words, clock=Hands(NOW))
    assert answer.code == 0, answer.said
    first, second = answer.json["products"]["first"], answer.json["products"]["second"]
    assert [x["names"] for x in first["groups"]] == [["A-1"], ["a-2"]]
    assert [(x["buyers"], x["members"]) for x in first["groups"]] == [(120, 70), (280, 0)]
    assert first["groups"][0]["lift"]["low"] > 2.5
    assert first["groups"][1]["more"]["high"] < -0.4
    # Everyone who made a second order is a member, so its product stands out by nothing.
    assert (second["buyers"], second["members"]) == (70, 70)
    (only,) = second["groups"]
    assert (only["names"], only["more"], only["lift"]["value"]) == (["B-2"], None, 1)
    few = desk.syncd("segments", "products", "back", "--horizon", "214", clock=Hands(NOW))
    assert "in the second order: 0 people" in few.out


@pytest.mark.usefixtures("shop")
def test_people_see_what_draws_and_what_to_doubt(desk: Desk) -> None:
    answer = desk.syncd("segments", "products", "back", clock=Hands(NOW))
    assert answer.code == 0, answer.said
    assert "in the first order: 400 people made one at least 180 days before, 17.5%" in answer.out
    assert "A-1" in answer.out
    assert "1 products are not shown alone: a line stands for 100 buyers at least" in answer.out
    assert "beware: 1 of 2 products stand out; of so many about 0 would" in answer.out


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("sources", "back", "--by", "keyword"), 2, "--by is 'keyword'; it must be one of"),
        (("sources", "back", "--as-of", "2027-01-01"), 2, "--as-of must not lie in the future"),
        (("sources", "back", "--min", "9"), 2, "greater than or equal to 10"),
        (("sources", "likely_to_buy"), 78, "cannot be put together with others"),
        (("products", "wales"), 78, "whales"),
    ],
)
@pytest.mark.usefixtures("shop")
def test_a_report_that_cannot_be_is_refused(
    desk: Desk, words: tuple[str, ...], code: int, why: str
) -> None:
    answer = desk.syncd("segments", *words, clock=Hands(NOW))
    assert answer.code == code, answer.said
    assert why in answer.err


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_shop_that_records_no_sources_is_told_so(desk: Desk, shop: Database) -> None:
    shop.execute("ALTER TABLE orders DROP COLUMN utm_source")
    answer = desk.syncd("segments", "sources", "back", clock=Hands(NOW))
    assert answer.code == 78, answer.said
    assert "the shop has no orders.utm_source that this login may read" in answer.err
    assert desk.syncd("segments", "products", "back", clock=Hands(NOW)).code == 0


def test_own_sql_without_a_moment_is_told_of(desk: Desk, shop: Database) -> None:
    assert shop.dialect == "sqlite"
    desk.sql("mine", "SELECT customer_key, email FROM customers WHERE email LIKE '%1%';")
    desk.settings["segments"]["mine"] = {"sql": "segments/mine.sql"}
    desk.save()
    asked = ("segments", "products", "mine", "--horizon", "0")
    then = desk.syncd(*asked, "--as-of", "2026-05-01", clock=Hands(NOW))
    assert then.code == 0, then.said
    assert "beware: the SQL of segment mine does not ask for :as_of" in then.out
    assert "does not ask" not in desk.syncd(*asked, clock=Hands(NOW)).out
