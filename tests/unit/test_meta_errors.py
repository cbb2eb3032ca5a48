from __future__ import annotations

import json

import pytest

from connectors.meta.errors import RULES, Failure, trace_id, translate
from syncd.errors import (
    AudienceBusy,
    AudienceGone,
    AudienceUnusable,
    Denied,
    PlatformError,
    RequestRefused,
    Throttled,
    Unavailable,
)


def failure(code: int, subcode: int | None = None, **others: object) -> Failure:
    given: dict[str, object] = {
        "status": 400,
        "transient": False,
        "trace": "Atrace",
        "headers": {},
        "of_audience": True,
    }
    return Failure(code=code, subcode=subcode, **(given | others))  # type: ignore[arg-type]  # a table below


@pytest.mark.parametrize(
    ("failed", "kind"),
    [
        (failure(1), Unavailable),
        (failure(1, 99), Unavailable),
        (failure(-3), Unavailable),
        (failure(803), Unavailable),
        (failure(99999), RequestRefused),
        (failure(99999, transient=True), Unavailable),
        (failure(99999, status=503), Unavailable),
        (failure(99999, status=429), Throttled),
        (failure(4), Throttled),
        (failure(17, 2446079), Throttled),
        (failure(613, 1487742), Throttled),
        (failure(80003), Throttled),
        (failure(190), Denied),
        (failure(190, 460), Denied),
        (failure(190, 777), Denied),
        (failure(200), Denied),
        (failure(200, 1870034), Denied),
        (failure(2655), Denied),
        (failure(100, 1870092), Denied),
        (failure(368, transient=True), Denied),
        (failure(200, 1870047), RequestRefused),
        (failure(100, 33), AudienceGone),
        (failure(100, 33, of_audience=False), Denied),
        (failure(100, 1713230), AudienceUnusable),
        (failure(2650), AudienceUnusable),
        (failure(2650, 1870144), AudienceUnusable),
        (failure(2650, 1870145), AudienceBusy),
        (failure(2650, 1870159), Unavailable),
        (failure(100), RequestRefused),
        (failure(100, 12345), RequestRefused),
        (failure(194), RequestRefused),
    ],
)
def test_codes_mean_what_the_core_does_next(failed: Failure, kind: type[PlatformError]) -> None:
    assert type(translate(failed)) is kind


@pytest.mark.parametrize(
    ("failed", "of_rows"),
    [
        (failure(100), True),
        (failure(100, 12345), True),
        (failure(105), True),
        (failure(194), False),
        (failure(99999), False),
    ],
)
def test_only_what_may_be_about_rows_is_searched_for_them(
    failed: Failure, *, of_rows: bool
) -> None:
    error = translate(failed)
    assert isinstance(error, RequestRefused)
    assert error.of_rows is of_rows


def test_a_message_holds_codes_the_trace_id_and_our_words() -> None:
    error = translate(failure(190, 463))
    assert error.code == "190/463"
    assert str(error).startswith("meta answered 190/463 (reference Atrace): the token has expired")


@pytest.mark.parametrize("key", [key for key, rule in RULES.items() if rule.kind == "denied"])
def test_whoever_is_denied_is_told_what_to_do(key: tuple[int | None, int | None]) -> None:
    assert RULES[key].hint


def test_abuse_prevention_waits_an_hour_unless_told_otherwise() -> None:
    error = translate(failure(613))
    assert isinstance(error, Throttled)
    assert error.retry_after == 3600
    minutes = [{"type": "custom_audience", "estimated_time_to_regain_access": 3}]
    usage = {"x-business-use-case-usage": json.dumps({"12": minutes})}
    told = translate(failure(613, headers=usage))
    assert isinstance(told, Throttled)
    assert told.retry_after == 180


@pytest.mark.parametrize("value", [None, 7, "", "a b", "<html>", "x" * 65, "abc\n"])
def test_only_what_looks_like_a_trace_id_is_told(value: object) -> None:
    assert trace_id(value) == ""


def test_headers_stay_out_of_a_repr() -> None:
    assert "secret" not in repr(failure(1, headers={"x": "secret"}))
