"""What a plan says of a segment that is another one now; and how many each RFM cell has."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.integration.canonical_desk import orders, people
from tests.integration.commands import Desk, Hands, digests
from tests.integration.databases import DIALECTS, Database

NOW = datetime(2026, 9, 1, tzinfo=UTC)


@pytest.fixture
def clock() -> Hands:
    return Hands(NOW)


def test_a_plan_says_that_the_segment_is_another_one_and_what_comes_of_it(
    desk: Desk, clock: Hands
) -> None:
    """Before it is carried out; not once it was, nor of what else was configured."""
    desk.join(*range(10))
    assert desk.syncd("sync", "everyone", clock=clock).code == 0
    desk.sync["settle"] = "47h"
    desk.save()
    assert "another one" not in desk.syncd("plan", "everyone", clock=clock).out
    sql = "SELECT customer_key, email, phone, country, ad_consent FROM customers"
    desk.sql("everyone", f"{sql} WHERE customer_key >= 'c:00002'")
    desk.join(10)
    planned = desk.syncd("plan", "everyone", clock=clock).out
    assert "The segment is another one than in the last plan that was carried out: " in planned
    assert "segments/everyone.sql (SQL " in planned
    assert "By that, or meanwhile, 1 come and 2 members leave." in planned
    assert desk.syncd("sync", "everyone", clock=clock).code == 0
    assert desk.held() == digests(*range(2, 11))
    assert "another one" not in desk.syncd("plan", "everyone", clock=clock).out


def test_parameters_are_told_as_they_were_and_as_they_are(
    desk: Desk, canonical: Database, clock: Hands
) -> None:
    people(canonical, range(10))
    orders(canonical, [(n, "2026-08-01 12:00:00", f"{n + 1}.00") for n in range(10)])
    segments = desk.settings["segments"]
    segments["everyone"] = {"use": "biggest_spenders", "with": {"top": 0.3}}
    desk.save()
    assert desk.syncd("sync", "everyone", clock=clock).code == 0
    segments["everyone"] = {**segments["everyone"], "stay": {"top": 0.4}}
    desk.save()
    counts = desk.syncd("plan", "everyone", "--json", clock=clock).json[0]["counts"]
    before, now = counts["definition_before"], counts["definition"]
    assert before.startswith('catalogue: biggest_spenders, with {"top": 0.3} (SQL ')
    assert now.startswith('catalogue: biggest_spenders, with {"top": 0.3}, stay {"top": 0.4} (SQL ')
    segments["made"] = {"any": ["everyone"]}
    desk.sync["segment"] = "made"
    desk.save()
    made = desk.syncd("plan", "everyone", "--json", clock=clock).json[0]["counts"]
    segments["everyone"] = {"use": "biggest_spenders", "with": {"top": 0.2}}
    desk.save()
    other = desk.syncd("plan", "everyone", "--json", clock=clock).json[0]["counts"]
    assert made["definition"] != other["definition"]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_cell_is_counted_by_customers_and_revenue(
    desk: Desk, canonical: Database, clock: Hands
) -> None:
    people(canonical, range(25))
    often = [n for n in range(25) for _ in range(n % 4 + 1)]
    orders(canonical, [(n, f"2026-0{1 + n % 8}-01 12:00:00", f"{n}.50") for n in often])
    found = desk.syncd("segments", "preview", "rfm_cell", "--json", clock=clock).json["cells"]
    assert [one["cell"] for one in found][:3] == ["champions", "loyal", "potential_loyalists"]
    assert len(found) == 11
    assert sum(one["customers"] for one in found) == 25
    spent = sum((n + 0.5) * (n % 4 + 1) for n in range(25))
    assert sum(one["revenue"] for one in found) == pytest.approx(spent)
    some = [one for one in found if one["cell"] in {"champions", "about_to_sleep"}]
    desk.settings["segments"]["some"] = {
        "use": "rfm_cell",
        "with": {"cells": ["champions", "about_to_sleep"]},
    }
    desk.save()
    preview = desk.syncd("segments", "preview", "some", "--json", clock=clock).json
    assert preview["rows"] == sum(one["customers"] for one in some) > 0
    assert preview["cells"] == found
    said = desk.syncd("segments", "preview", "rfm_cell", clock=clock).out
    assert "buyers: 25, revenue" in said
    assert "hibernating" in said
