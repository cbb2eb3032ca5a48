"""Why members are in: every figure of every shipped segment can be asked, and says what is so."""

from __future__ import annotations

import pytest

from syncd.segments import catalogue
from syncd.segments.whys import figures
from tests.integration import village
from tests.integration.databases import DIALECTS, Dialect, MakeDatabase
from tests.integration.segment_engines import Served, open_engine
from tests.segment_samples import required


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_shipped_segment_says_why(dialect: Dialect, make_database: MakeDatabase) -> None:
    engine = open_engine(dialect, make_database)
    assert isinstance(engine, Served)
    village.fill(engine)
    told = {segment.name: _told(engine, segment.name, required(segment)) for segment in catalogue()}
    assert all(said["ann"] for said in told.values())
    # Six orders of 100.00 on six days from May until October; zed was erased.
    often = "6 orders, 600.00 in all, the last 27 days ago, one every 31 days"
    assert told["whales"] == {
        "ann": [often],
        "gus": [],
        "dee": ["2 orders, 1,000.00 in all, the last 316 days ago, one every 19 days"],
        "zed": [],
    }
    assert told["loyal"]["ann"] == [often, "more revenue than 83% of the buyers"]
    assert told["coupon_customers"]["ann"] == [often, "6 orders for 600.00 in the last 730 days"]
    assert told["biggest_spenders"]["dee"][1] == "2 orders for 1,000.00 in the last 365 days"
    assert "100% of" not in " ".join(told["sale_buyers"]["ann"])
    assert "0% of 620.00 on sale, in 7 lines" in told["sale_buyers"]["ann"]
    assert told["cart_abandoners"]["gus"] == ["left a cart 1 day ago"]
    assert sorted(told["newsletter_subscribers"]["ann"])[1:] == ["email: granted", "sms: granted"]
    assert "country NL" in told["location"]["ann"]
    assert any(line.startswith("cell loyal (recency ") for line in told["rfm_cell"]["ann"])


def _told(engine: Served, name: str, parameters: dict[str, object]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {who: [] for who in ("ann", "gus", "dee", "zed")}
    asked = figures(
        *(name, list(found)),
        parameters=parameters,
        as_of=village.AS_OF,
        timezone=village.ZONE,
        dialect=engine.shop.dialect,
    )
    for query, tell in asked:
        for who, _, *row in engine.shop.ask(query):
            found[str(who)].append(tell(row))
    return found
