"""The commands about segments: what there is, what it means, how large it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncd.segments import catalogue
from tests.integration.commands import Desk, here


def test_segments_list_needs_no_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, desk: Desk
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SYNCD_CONFIG", raising=False)
    (desk.config).rename(tmp_path / "elsewhere.yaml")
    names = ("all_customers", "newsletter_subscribers", "whales", "win_back", "q4_buyers")
    answer = here("segments", "list")
    assert answer.code == 0
    assert all(name in answer.out for name in (*names, "cart_abandoners"))
    assert len(here("segments", "list", "--json").json["catalogue"]) == len(catalogue())


def test_segments_list_says_what_each_is_for_and_why_others_are_missing(desk: Desk) -> None:
    answer = desk.syncd("segments", "list", "--json").json
    assert {each["purpose"] for each in answer["catalogue"]} == {"target", "exclude", "seed"}
    assert "pixel" in answer["not_offered"]["visit_frequency"]
    lines = desk.syncd("segments", "list").out.splitlines()
    groups = ("to show advertisements to", "to leave out", "to find others", "not offered")
    places = [next(n for n, line in enumerate(lines) if line.startswith(g)) for g in groups]
    assert places == sorted(places)
    assert next(n for n, line in enumerate(lines) if line.startswith("whales ")) > places[2]


def test_segments_show_prints_definition_parameters_and_the_sql_of_this_shop(desk: Desk) -> None:
    desk.settings["segments"]["homely"] = {
        "use": "category_buyers",
        "with": {"category": "/home", "window": 90},
    }
    desk.save()
    answer = desk.syncd("segments", "show", "homely")
    assert answer.code == 0
    assert "homely (the catalogue's category_buyers): Buyers of a category" in answer.out
    assert "must be given  a category's name or path" in answer.out
    assert "365            from 1 to 3650 calendar days" in answer.out
    assert "-- At least `orders` orders in the last `window` days" in answer.out
    assert ":category_path  /home/" in answer.out
    shown = desk.syncd("segments", "show", "homely", "--json").json
    assert "{{" in shown["definition"]
    assert "COLLATE BINARY" not in shown["definition"]
    assert "{{" not in shown["sql"]
    assert shown["binds"]["orders"] == 1
    unset = desk.syncd("segments", "show", "category_buyers")
    assert unset.code == 0
    assert "not yet to be run: category_buyers needs category" in unset.out


def test_config_check_tells_the_bounds_of_a_segments_parameters(desk: Desk) -> None:
    desk.settings["segments"]["minors"] = {"use": "age_group", "with": {"min": 16}}
    desk.save()
    answer = desk.syncd("config", "check")
    assert answer.code == 78
    assert "age_group.min (years) is 16; it must lie from 18 to 120" in answer.err


def test_segments_preview_counts_and_sends_nothing(desk: Desk) -> None:
    desk.join(*range(7))
    desk.join(7, consent="denied")
    before = desk.changes()
    answer = desk.syncd("segments", "preview", "everyone", "--json")
    assert (answer.code, answer.json["rows"], answer.json["with_email"]) == (0, 8, 8)
    assert answer.json["consent"]["denied"] == 1
    assert "everyone: 8 members" in desk.syncd("segments", "preview", "everyone").out
    assert desk.changes() == before


def test_a_segment_that_there_is_not_is_named_with_the_nearest(desk: Desk) -> None:
    answer = desk.syncd("segments", "preview", "wales")
    assert answer.code == 78
    assert "whales" in answer.err


def test_a_list_of_words_reaches_the_segment_and_a_number_in_it_is_refused(desk: Desk) -> None:
    """YAML reads an article number as a number, and would drop what it begins with."""
    desk.settings["segments"]["north"] = {"use": "location", "with": {"countries": ["NO", "SE"]}}
    desk.save()
    shown = desk.syncd("segments", "show", "north", "--json").json
    assert shown["binds"]["countries_1"] == "NO"
    desk.settings["segments"]["north"] = {"use": "product_buyers", "with": {"products": [85123]}}
    desk.save()
    answer = desk.syncd("config", "check")
    assert answer.code == 78
    assert "segments.north.with.products: must be a number, a word or a list of words" in answer.err
