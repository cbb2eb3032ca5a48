"""Match rates: shares in percent, as platforms state them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.google_rates import of_band
from syncd.model import MatchRate

SHARES = st.tuples(st.integers(0, 100), st.integers(0, 100)).map(sorted)
RATES = SHARES.map(lambda pair: MatchRate(*pair))


@pytest.mark.parametrize(("least", "most"), [(-1, 5), (6, 5), (0, 101)])
def test_no_share_is_no_match_rate(least: int, most: int) -> None:
    with pytest.raises(ValueError, match="no match rate"):
        MatchRate(least, most)


@pytest.mark.parametrize(
    ("rate", "told"),
    [
        (MatchRate(63, 63), "63 %"),
        (MatchRate(81, 90), "81 to 90 %"),
        (MatchRate(0, 20), "less than 20 %"),
        (MatchRate(0, 0), "0 %"),
    ],
)
def test_it_is_told_in_percent(rate: MatchRate, told: str) -> None:
    assert str(rate) == told


@given(st.lists(st.none() | RATES))
def test_one_of_several_holds_each_and_no_more(rates: list[MatchRate | None]) -> None:
    found, known = MatchRate.spanning(rates), [rate for rate in rates if rate is not None]
    if found is None:
        assert not known
        return
    assert all(found.least <= rate.least and rate.most <= found.most for rate in known)
    assert found.least in {rate.least for rate in known}
    assert found.most in {rate.most for rate in known}


@pytest.mark.parametrize("kind", ["MATCH_RANGE", "MATCH_RATE_RANGE"])
@pytest.mark.parametrize("least", [0, *range(20, 100, 10)])
def test_every_band_of_google_is_read(kind: str, least: int) -> None:
    begins = least if least == 20 else least + 1
    name = f"{begins}_TO_{least + 10}" if least else "LESS_THAN_20"
    expected = MatchRate(begins, least + 10) if least else MatchRate(0, 20)
    assert of_band(f"{kind}_{name}") == expected


@pytest.mark.parametrize(
    "name",
    ["UNKNOWN", "MATCH_RATE_RANGE_NOT_ELIGIBLE", "MATCH_RANGE_95_TO_101", "MATCH_RANGE_9_TO_2"],
)
def test_what_is_no_band_is_none(name: str) -> None:
    assert of_band(name) is None
