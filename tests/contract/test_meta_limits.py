"""The local Graph API limits an ad account as Meta documents, and the connector hears of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.conformance import account
from connectors.meta import PLATFORM, Meta
from connectors.sandbox import meta
from connectors.sandbox.faults import Fault
from connectors.sandbox.meta_limits import TIERS, Limits, Tier, TierName
from connectors.sandbox.meta_rules import GraphError
from syncd.errors import Throttled
from tests.contract.test_meta_sandbox import EMAIL, SESSION, Asker

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Counted(Asker):
    """A client of a local Meta with a tier, and the hands of its clock."""

    def __init__(self, tier: TierName) -> None:
        super().__init__()
        self.server.stop()
        self.server = meta.serve(self.world, self.faults, tier=tier)
        self.at = NOON
        self.world.now = lambda: self.at
        self.sessions = 0

    def write(self) -> tuple[int, dict[str, str], dict[str, Any]]:
        self.sessions += 1
        payload = {"schema": ["EMAIL"], "data": [[EMAIL]]}
        session = {**SESSION, "session_id": self.sessions}
        fields: dict[str, object] = {"payload": payload, "session": session}
        status, headers, body = self.send(
            "POST", f"/{self.audience.id}/users", {"access_token": meta.TOKEN, **fields}
        )
        return status, headers, json.loads(body)

    def read(self) -> tuple[int, dict[str, str], dict[str, Any]]:
        path, fields = "/act_1/customaudiences", {"access_token": meta.TOKEN}
        status, headers, body = self.send("GET", path, dict(fields))
        return status, headers, json.loads(body)

    def connector(self) -> Meta:
        options = {"account_id": "act_1", "access_token": meta.TOKEN}
        given = account(PLATFORM, options, f"http://127.0.0.1:{self.server.port}")
        found = PLATFORM.connect(given, lambda bits: 2**bits - 1)
        assert isinstance(found, Meta)
        return found


@pytest.fixture
def limited() -> Iterator[Counted]:
    counted = Counted("limited")
    yield counted
    counted.server.stop()


def usage(headers: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(headers["x-ad-account-usage"])
    return found


def codes(answer: dict[str, Any]) -> tuple[int, int | None]:
    return answer["error"]["code"], answer["error"].get("error_subcode")


def test_twenty_writes_in_five_minutes_and_then_it_is_shut_for_five(limited: Counted) -> None:
    for number in range(1, 21):
        status, headers, _ = limited.write()
        assert (status, usage(headers)["acc_id_util_pct"]) == (200, 5.0 * number)
    status, headers, answer = limited.write()
    assert (status, codes(answer)) == (400, (613, 1487742))
    assert usage(headers) == {
        "acc_id_util_pct": 100,
        "reset_time_duration": 300,
        "ads_api_access_tier": "development_access",
    }
    limited.at += timedelta(seconds=299)
    status, headers, answer = limited.read()
    assert (status, codes(answer)) == (400, (17, 2446079)), "a read is shut out as well"
    assert usage(headers)["reset_time_duration"] == 1
    limited.at += timedelta(seconds=1)
    assert limited.write()[0] == 200
    assert usage(limited.read()[1])["acc_id_util_pct"] == pytest.approx(6.67)


def test_points_are_gone_after_five_minutes(limited: Counted) -> None:
    limited.write()
    limited.at += timedelta(seconds=299)
    assert usage(limited.read()[1])["acc_id_util_pct"] == pytest.approx(6.67)
    limited.at += timedelta(seconds=1)
    headers = limited.read()[1]
    assert usage(headers)["acc_id_util_pct"] == pytest.approx(3.33)
    assert usage(headers)["reset_time_duration"] == 300


def test_another_account_has_points_of_its_own(limited: Counted) -> None:
    limited.write()
    other = {"access_token": meta.TOKEN}
    _, headers, _ = limited.send("GET", "/act_2/customaudiences", dict(other))
    assert usage(headers)["acc_id_util_pct"] == pytest.approx(1.67)


def test_full_access_has_more_and_no_tier_has_no_limit() -> None:
    tiers: dict[TierName, float | None] = {"full": 0.03, "": None}
    for tier, percent in tiers.items():
        counted = Counted(tier)
        headers = counted.write()[1]
        counted.server.stop()
        assert ("x-ad-account-usage" in headers) is (percent is not None)
        if percent is not None:
            assert usage(headers)["acc_id_util_pct"] == percent
            assert usage(headers)["ads_api_access_tier"] == "standard_access"


def test_calls_are_counted_by_the_hour_beside_that() -> None:
    """80003, with the minutes until there is room again."""
    limits = Limits(Tier("standard_access", 9_000, timedelta(seconds=60), calls=3))
    for minute in range(43):
        limits.admit("act_1", NOON + timedelta(minutes=minute), writes=True, audiences=1)
    at = NOON + timedelta(minutes=43)
    with pytest.raises(GraphError) as caught:
        limits.admit("act_1", at, writes=False, audiences=1)
    assert caught.value.code == 80003
    stated = limits.headers("act_1", at, audiences=1)["x-business-use-case-usage"]
    (business,) = json.loads(stated)["1"]
    assert (business["type"], business["call_count"]) == ("custom_audience", 100)
    assert business["estimated_time_to_regain_access"] == 17
    limits.admit("act_1", NOON + timedelta(hours=1), writes=False, audiences=1)


def test_the_tiers_are_those_of_the_page() -> None:
    """Rate Limiting page, as of 2026-11-22."""
    shown = {name: (one.points, one.block.seconds, one.calls) for name, one in TIERS.items()}
    assert shown == {"limited": (60, 300, 5_000), "full": (9_000, 60, 190_000)}


# --- what the connector makes of it --------------------------------------------


def test_the_connector_asks_for_a_pause_before_the_account_is_shut(limited: Counted) -> None:
    connector = limited.connector()
    connector.find("whales")
    assert connector.advice().pause == 0
    for _ in range(15):
        limited.write()
    connector.find("whales")
    assert (connector.advice().pause, connector.advice().reason) == (15, "ad account usage 78 %")
    for _ in range(4):
        limited.write()
    connector.find("whales")
    assert (connector.advice().pause, connector.advice().reason) == (300, "ad account usage 100 %")


def test_a_refusal_states_the_wait_that_is_left(limited: Counted) -> None:
    for _ in range(21):
        limited.write()
    limited.at += timedelta(seconds=100)
    with pytest.raises(Throttled) as caught:
        limited.connector().find("whales")
    assert (caught.value.code, caught.value.retry_after) == ("17/2446079", 200)


@pytest.mark.parametrize(("tier", "block"), [("", 300), ("limited", 300), ("full", 60)])
def test_a_refusal_that_states_nothing_waits_longer_each_time(tier: TierName, block: float) -> None:
    counted = Counted(tier)
    connector = counted.connector()
    connector.find("whales")  # which tells the tier
    silent = Fault(status=400, code=17, subcode=2446079)
    waits = []
    for _ in range(3):
        counted.faults.script(silent)
        with pytest.raises(Throttled) as caught:
            connector.find("whales")
        waits.append(caught.value.retry_after)
    connector.find("whales")
    counted.faults.script(silent)
    with pytest.raises(Throttled) as caught:
        connector.find("whales")
    counted.server.stop()
    assert [*waits, caught.value.retry_after] == [block, 2 * block, 4 * block, block]


def test_no_advice_is_left_of_an_answer_before_one_that_never_came(limited: Counted) -> None:
    for _ in range(19):
        limited.write()
    connector = limited.connector()
    connector.find("whales")
    assert connector.advice().pause > 0
    limited.faults.script(Fault(kind="reset"))
    with pytest.raises(Exception, match="no_answer"):
        connector.find("whales")
    assert connector.advice().pause == 0


@pytest.mark.parametrize(
    ("tier", "code", "said"),
    [
        ("limited", "tier limited", "20 requests with members in 5 minutes"),
        ("full", "account", "its app has full access"),
        ("", "account", "its terms are accepted"),
    ],
)
def test_an_account_that_is_looked_at_tells_its_tier(tier: TierName, code: str, said: str) -> None:
    counted = Counted(tier)
    (found,) = counted.connector().examine(())
    counted.server.stop()
    assert (found.verdict, found.code) == ("good", code)
    assert said in found.said
    assert bool(found.link) == (tier == "limited")
