"""The catalogue as such: what it offers, what it refuses, and the moments it computes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlglot
from sqlglot import exp

from syncd.errors import ConfigError
from syncd.model import SegmentQuery
from syncd.segments import catalogue, catalogue_query, definition, own_query
from syncd.segments.macros import Dialect, day_number, midnight, offsets

AS_OF = datetime(2026, 11, 1, 12, 30, 15, 999, tzinfo=UTC)
NAMES = tuple(segment.name for segment in catalogue())
GRAMMARS: dict[Dialect, str] = {"sqlite": "sqlite", "postgresql": "postgres", "mysql": "mysql"}


def ask(name: str, dialect: Dialect = "sqlite", **parameters: object) -> SegmentQuery:
    return catalogue_query(
        name, parameters=parameters, as_of=AS_OF, timezone="Europe/Amsterdam", dialect=dialect
    )


def test_the_first_six_are_offered_with_words_for_people() -> None:
    assert set(NAMES) == {
        *("all_customers", "newsletter_subscribers", "whales"),
        *("win_back", "cart_abandoners", "q4_buyers"),
    }
    for segment in catalogue():
        assert segment.wording
        assert segment.purpose
        for parameter in segment.parameters:
            assert parameter.help
            assert parameter.unit
            if parameter.default is not None:
                assert parameter.low <= parameter.default <= parameter.high


@pytest.mark.parametrize("name", NAMES)
def test_what_a_segment_says_it_needs_is_what_it_reads(name: str) -> None:
    (segment,) = (each for each in catalogue() if each.name == name)
    tree = sqlglot.parse_one(ask(name).sql, read="sqlite")
    own = {cte.alias for cte in tree.find_all(exp.CTE)}
    read = {table.name for table in tree.find_all(exp.Table)} - own
    assert read == set(segment.needs)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dialect", GRAMMARS)
def test_a_query_is_one_select_with_exactly_its_binds(name: str, dialect: Dialect) -> None:
    query = ask(name, dialect)
    (tree,) = sqlglot.parse(query.sql, read=GRAMMARS[dialect])
    assert isinstance(tree, exp.Select)
    assert {bind.name for bind in tree.find_all(exp.Placeholder)} == set(query.parameters)
    assert "{{" not in query.sql
    assert query.source == f"catalogue:{name}"


def test_a_definition_is_shown_as_it_was_written() -> None:
    assert "ahead < :share * total" in definition("whales")


def test_an_unknown_segment_is_met_with_the_nearest() -> None:
    with pytest.raises(
        ConfigError, match=r"no shipped segment 'whale' \(did you mean 'whales'\?\)"
    ):
        ask("whale")


def test_an_unknown_parameter_is_met_with_the_nearest() -> None:
    with pytest.raises(
        ConfigError, match=r"whales has no parameter 'shares' .*'share'.*has: share"
    ):
        ask("whales", shares=0.5)


@pytest.mark.parametrize(
    ("name", "parameter", "value", "said"),
    [
        ("whales", "share", 1.5, "is 1.5; it must lie from 0.01 to 1"),
        ("whales", "share", 0, "is 0; it must lie"),
        ("whales", "share", "80%", "must be a number"),
        ("whales", "share", None, "must be a number"),
        ("whales", "share", float("nan"), "must be a number"),
        ("whales", "share", True, "must be a number"),
        ("win_back", "cap", 29, "from 30 to 3650"),
        ("win_back", "cap", 100.5, "must be a whole number"),
        ("q4_buyers", "years", 0, "from 1 to 10"),
        ("cart_abandoners", "max", 91, "from 1 to 90"),
    ],
)
def test_a_value_out_of_bounds_is_told_the_bounds(
    name: str, parameter: str, value: object, said: str
) -> None:
    with pytest.raises(ConfigError, match=said.replace(".", r"\.")):
        ask(name, "sqlite", **{parameter: value})


def test_cart_bounds_must_leave_a_window() -> None:
    """72 hours of quiet at least, and one day at most: nobody could ever be a member."""
    with pytest.raises(ConfigError, match=r"min \(72 hours\) leaves nothing of max \(1 days\)"):
        ask("cart_abandoners", min=72, max=1)


def test_a_zone_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigError, match="no time zone 'Mars/Olympus'"):
        catalogue_query(
            "whales", parameters={}, as_of=AS_OF, timezone="Mars/Olympus", dialect="sqlite"
        )


def test_moments_are_whole_seconds_before_as_of() -> None:
    query = ask("cart_abandoners", min=2, max=3)
    moment = AS_OF.replace(microsecond=0)
    assert query.parameters == {
        "as_of": moment,
        "min_ago": moment - timedelta(hours=2),
        "max_ago": moment - timedelta(days=3),
    }


def test_calendar_days_begin_at_midnight_of_the_shop() -> None:
    """Amsterdam is at +02:00 ten days before, and at +01:00 on the day itself."""
    since = ask("all_customers", since=10).parameters["since_ago"]
    assert since == datetime(2026, 10, 21, 22, tzinfo=UTC)


def test_fourth_quarters_count_back_from_the_running_one() -> None:
    query = ask("q4_buyers", years=2)
    assert query.parameters["q4_1_from"] == datetime(2026, 9, 30, 22, tzinfo=UTC)
    assert query.parameters["q4_1_to"] == datetime(2026, 12, 31, 23, tzinfo=UTC)
    assert query.parameters["q4_2_from"] == datetime(2025, 9, 30, 22, tzinfo=UTC)
    assert "q4_3_from" not in query.parameters


def test_before_october_the_last_quarter_is_of_the_year_before() -> None:
    query = catalogue_query(
        "q4_buyers",
        parameters={"years": 1},
        as_of=datetime(2026, 9, 30, 21, 59, 59, tzinfo=UTC),
        timezone="Europe/Amsterdam",
        dialect="sqlite",
    )
    assert query.parameters["q4_1_from"] == datetime(2025, 9, 30, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    "name", ["Europe/Amsterdam", "America/Sao_Paulo", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"]
)
def test_offsets_agree_with_the_zone_at_every_hour(name: str) -> None:
    zone = ZoneInfo(name)
    known = offsets(zone, 2027)
    moment, place = datetime(2014, 1, 1, tzinfo=UTC), 0
    while moment.year < 2021:
        while place + 1 < len(known) and known[place + 1][0] <= moment:
            place += 1
        actual = moment.astimezone(zone).utcoffset()
        assert actual is not None
        assert known[place][1] == actual.total_seconds(), moment
        moment += timedelta(minutes=30)


def test_a_day_is_numbered_where_the_shop_is() -> None:
    moment = datetime(1970, 1, 2, 23, 30, tzinfo=UTC)
    assert day_number(moment, ZoneInfo("UTC")) == 1
    assert day_number(moment, ZoneInfo("Europe/Amsterdam")) == 2
    assert midnight(date(2026, 7, 1), ZoneInfo("Europe/Amsterdam")).hour == 22


def test_own_sql_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "newsletter.sql"
    path.write_text("SELECT 1 AS customer_key", "utf-8")
    query = own_query("newsletter", path, as_of=AS_OF)
    assert query == SegmentQuery(
        "newsletter", "SELECT 1 AS customer_key", {"as_of": AS_OF}, str(path)
    )
    assert own_query("newsletter", path).parameters == {}


def test_a_missing_file_is_met_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "newsletter.sql").write_text("SELECT 1", "utf-8")
    with pytest.raises(ConfigError, match=r"no file .*newsleter\.sql \(did you mean 'newsletter"):
        own_query("newsletter", tmp_path / "newsleter.sql")


@pytest.mark.parametrize(
    ("content", "said"), [(b" \n", "is empty"), (b"SELECT '\xff'", "cannot be read as UTF-8")]
)
def test_a_file_without_readable_sql_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "own.sql"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=said):
        own_query("own", path)
