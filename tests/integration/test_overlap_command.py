"""`segments overlap`, and what is said of audiences too small for their platform."""

from __future__ import annotations

import pytest

from tests.integration.canonical_desk import consents, orders, people
from tests.integration.commands import Desk
from tests.integration.databases import DIALECTS, Database


@pytest.fixture
def shop(desk: Desk, canonical: Database) -> Database:
    """Forty customers; 0 to 29 spent ten, 10 to 29 a hundred more, 20 to 39 take the letter."""
    people(canonical, range(40))
    orders(canonical, [(n, "2025-01-10 12:00:00", "10.00") for n in range(30)])
    orders(canonical, [(n, "2025-02-10 12:00:00", "100.00") for n in range(10, 30)])
    consents(canonical, [(n, "email", "granted") for n in range(20, 40)])
    desk.sql("everyone", "SELECT customer_key, email FROM customers WHERE 1 = 1;")
    desk.settings["segments"] |= {
        "spent": {"use": "spend_level", "with": {"min": 5, "max": 1000}},
        "dear": {"use": "spend_level", "with": {"min": 100, "max": 1000}},
        "letter": {"use": "newsletter_subscribers"},
        "twice": {"use": "returning_customers"},
    }
    desk.save()
    return canonical


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.usefixtures("shop")
def test_what_two_segments_have_in_common_is_counted_in_the_shop(desk: Desk) -> None:
    answer = desk.syncd("segments", "overlap", "--json")
    assert answer.code == 0, answer.said
    found = answer.json["overlap"]
    sizes = {"everyone": 40, "spent": 30, "dear": 20, "letter": 20, "twice": 20}
    assert (found["sizes"], found["either"]) == (sizes, 40)
    pairs = {(one["one"], one["other"]): one for one in found["pairs"]}
    assert pairs["spent", "letter"]["both"] == 10
    assert pairs["spent", "letter"]["jaccard"] == 0.25
    assert pairs["dear", "letter"]["both"] == 10
    assert (pairs["dear", "twice"]["both"], pairs["dear", "twice"]["jaccard"]) == (20, 1)
    assert pairs["everyone", "spent"]["of_other"] == 1
    assert "c:0" not in answer.said


@pytest.mark.usefixtures("shop")
def test_people_see_a_matrix_and_what_to_look_at(desk: Desk) -> None:
    answer = desk.syncd("segments", "overlap", "spent", "dear", "twice")
    lines = answer.out.splitlines()
    assert [line.split() for line in lines[1:4]] == [
        ["1", "spent", "30"],
        ["2", "dear", "20"],
        ["3", "twice", "20"],
    ]
    assert lines[4] == "in at least one: 30"
    assert "1 spent" in lines[7]
    assert lines[7].split()[2:] == ["20", "(0.67)", "20", "(0.67)"]
    assert "look at: dear and twice are hardly two segments: 20 customers" in answer.out
    assert "spent and dear are hardly" not in answer.out
    assert "sync everyone" not in answer.out
    whole = desk.syncd("segments", "overlap")
    assert "look at: sync everyone, segment everyone: 40 members are too few" in whole.out


def test_a_segment_that_cannot_be_asked_is_left_out_by_name(desk: Desk, shop: Database) -> None:
    desk.settings["segments"]["lost"] = {"sql": "segments/lost.sql"}
    desk.save()
    answer = desk.syncd("segments", "overlap", "spent", "lost", "dear", "--json")
    assert shop.dialect == "sqlite"
    assert answer.code == 0, answer.said
    assert list(answer.json["overlap"]["sizes"]) == ["spent", "dear"]
    assert "there is no file" in answer.json["unavailable"]["lost"]
    unknown = desk.syncd("segments", "overlap", "spend")
    assert unknown.code == 2
    assert "no segment spend; did you mean spent?" in unknown.err


def test_an_audience_too_small_for_its_platform_is_told_of(desk: Desk) -> None:
    """In `plan` before it is made, and in `doctor` afterwards; it is no error."""
    desk.join(*range(99))
    said = "99 members are too few: Meta uses an audience from about 100 matched people on"
    assert said in desk.syncd("plan", "everyone").out
    assert desk.syncd("sync", "everyone").code == 0
    lines = desk.syncd("doctor", "--json").json["here"]["lines"]
    (line,) = [each for each in lines if each["what"] == "audience of everyone"]
    assert line["verdict"] == "warn"
    assert said in line["said"]
    desk.join(99)
    assert "too few" not in desk.syncd("plan", "everyone").out
    assert desk.syncd("sync", "everyone").code == 0
    lines = desk.syncd("doctor", "--json").json["here"]["lines"]
    assert not [each for each in lines if each["what"].startswith("audience of")]
