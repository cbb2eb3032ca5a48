"""What Meta's usage headers say, and what is to be done about it."""

from __future__ import annotations

import json

import pytest

from connectors.meta.usage import FULL, LIMITED, SPREAD, Pace, stated_wait
from syncd.model import Advice


def business(*entries: dict[str, object]) -> dict[str, str]:
    return {"x-business-use-case-usage": json.dumps({"12": list(entries)})}


OURS = {"type": "custom_audience", "estimated_time_to_regain_access": 3}
OTHER = {"type": "ads_management", "estimated_time_to_regain_access": 9}


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        (business(OURS), 180.0),
        (business(OTHER, OURS), 180.0),
        (business(OTHER), 540.0),
        (business({**OURS, "estimated_time_to_regain_access": 0}), None),
        ({"x-ad-account-usage": '{"acc_id_util_pct": 99, "reset_time_duration": 50}'}, 50.0),
        ({"x-ad-account-usage": '{"acc_id_util_pct": 20, "reset_time_duration": 50}'}, None),
        ({"x-ad-account-usage": "[]", "x-business-use-case-usage": "{"}, None),
        ({"x-business-use-case-usage": '{"12": [null, 3], "13": 4}'}, None),
        ({"retry-after": "30"}, 30.0),
        ({"retry-after": "0"}, None),
        ({"retry-after": "Sun, 22 Nov 2026 12:00:00 GMT"}, None),
        (business(OURS) | {"retry-after": "30"}, 180.0),
    ],
)
def test_a_stated_wait_is_read_in_its_own_unit(
    headers: dict[str, str], seconds: float | None
) -> None:
    """Business use case usage is in minutes, ad account usage in seconds."""
    assert stated_wait(headers) == seconds


# --- advice before anything is refused ---------------------------------------


def counts(percent: float, **others: object) -> dict[str, object]:
    """An entry whose calls are that far used."""
    entry = {"call_count": percent, "total_cputime": 1, "total_time": 1}
    return entry | {"type": "custom_audience", "estimated_time_to_regain_access": 0} | others


def ad_account(percent: float, reset: float = 0, tier: str = "standard_access") -> dict[str, str]:
    usage = {
        "acc_id_util_pct": percent,
        "reset_time_duration": reset,
        "ads_api_access_tier": tier,
    }
    return {"x-ad-account-usage": json.dumps(usage)}


def app(**percents: float) -> dict[str, str]:
    return {"x-app-usage": json.dumps(percents)}


def heard(*headers: dict[str, str]) -> Advice:
    pace = Pace()
    for each in headers:
        pace.asked()
        pace.answered(each)
    return pace.advice


@pytest.mark.parametrize(
    ("headers", "pause", "reason"),
    [
        ({}, 0.0, ""),
        (ad_account(74.9, 300), 0.0, ""),
        (ad_account(75, 300), 300 / SPREAD, "ad account usage 75 %"),
        (ad_account(94.9, 300), 300 / SPREAD, "ad account usage 95 %"),
        (ad_account(95, 280), 280.0, "ad account usage 95 %"),
        (ad_account(100, 0), FULL, "ad account usage 100 %"),
        (business(counts(96)), LIMITED, "custom audience usage 96 %"),
        (business(counts(96, ads_api_access_tier="standard_access")), FULL, "custom audience"),
        (business(counts(5, total_cputime=97)), LIMITED, "custom audience usage 97 %"),
        (business(counts(5, total_time=80)), LIMITED / SPREAD, "custom audience usage 80 %"),
        (business(counts(5, estimated_time_to_regain_access=4)), 240.0, "custom audience usage 5"),
        (business(counts(5), counts(99, type="ads_management")), 0.0, ""),
        (business(counts(99, type="ads_management")), LIMITED, "ads management usage 99 %"),
        (business(counts(99, type="a<b>")), LIMITED, "business use case usage 99 %"),
        (app(call_count=10, total_time=96), LIMITED, "app usage 96 %"),
        (app(call_count=10) | ad_account(99, 40), 40.0, "ad account usage 99 %"),
        (ad_account(80, 100) | business(counts(97)), FULL, "custom audience usage 97 %"),
    ],
)
def test_it_slows_down_from_75_percent_and_stops_at_95(
    headers: dict[str, str], pause: float, reason: str
) -> None:
    advice = heard(headers)
    assert advice.pause == pytest.approx(pause)
    assert advice.reason.startswith(reason)
    assert bool(advice.reason) == bool(reason)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "3",
        "null",
        '{"12": {}}',
        '{"12": [null, 3]}',
        '{"acc_id_util_pct": "many", "call_count": null}',
        '{"acc_id_util_pct": NaN, "call_count": -5, "total_time": true}',
        '{"12": [{"type": [], "call_count": "x"}]}',
    ],
)
def test_a_header_that_makes_no_sense_says_nothing(text: str) -> None:
    names = ("x-business-use-case-usage", "x-ad-account-usage", "x-app-usage")
    headers = dict.fromkeys(names, text)
    assert heard(headers) == Advice()
    assert stated_wait(headers) is None


def test_a_wait_beyond_the_calendar_is_cut() -> None:
    assert heard(ad_account(99, float("inf"))).pause == 1e6


def test_the_last_answer_counts_and_without_one_nothing_is_known() -> None:
    assert heard(ad_account(99, 50), ad_account(10, 50)).pause == 0
    pace = Pace()
    pace.answered(ad_account(99, 50))
    pace.asked()
    assert pace.advice.pause == 0


def test_a_refusal_without_a_wait_waits_for_the_tier_and_doubles_to_an_hour() -> None:
    """Not known, the tier is taken for the one that is shut out for longer."""
    pace = Pace()
    assert [pace.unstated() for _ in range(6)] == [300, 600, 1200, 2400, 3600, 3600]
    pace.answered(ad_account(10), throttled=True)
    assert pace.unstated() == 3600, "a further one in a row"
    pace.answered({})
    assert [pace.unstated() for _ in range(3)] == [60, 120, 240], "Full, as an answer said"
    pace.answered(ad_account(10, tier="development_access"))
    assert pace.unstated() == 300


def test_the_version_warning_stays_with_whoever_heard_it() -> None:
    """Only some requests are answered with it; its text is Meta's, and is not told."""
    warned = heard({"x-ad-api-version-warning": "Please upgrade now"}, {})
    assert "graph_version" in warned.warning
    assert "Please" not in warned.warning
    assert heard({}).warning == ""
