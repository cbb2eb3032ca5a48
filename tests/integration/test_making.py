"""What audiences are created with, over the real SDK; what keeps them from being created."""

from __future__ import annotations

import pytest

from connectors.meta.making import MAX_AUDIENCES
from tests.integration.commands import Desk, Hands, digests, here, refused

MADE = {
    "name": "Whales",
    "description": "Bought most",
    "retention_days": 90,
    "customer_file_source": "BOTH_USER_AND_PARTNER_PROVIDED",
    "opt_out_link": "https://example.com/leave",
    "labels": ["HIGH_VALUE_CUSTOMERS", "RECENT_PURCHASERS"],
}


def audience_is(desk: Desk, **keys: object) -> None:
    desk.sync["audience"] = keys
    desk.save()


def test_an_audience_is_made_with_what_the_configuration_says(desk: Desk) -> None:
    audience_is(desk, **MADE)
    desk.join(1, 2)
    assert desk.syncd("sync", "everyone").code == 0
    assert desk.audience("Whales").about == {
        "description": "Bought most",
        "retention_days": 90,
        "customer_file_source": "BOTH_USER_AND_PARTNER_PROVIDED",
        "opt_out_link": "https://example.com/leave",
        "audience_labels": ["HIGH_VALUE_CUSTOMERS", "RECENT_PURCHASERS"],
    }
    assert desk.held("Whales") == digests(1, 2)


def test_a_plain_name_makes_a_plain_list(filled: Desk) -> None:
    assert filled.audience().about == {"customer_file_source": "USER_PROVIDED_ONLY"}


def test_members_are_sent_again_before_their_retention_is_over(desk: Desk) -> None:
    """Whether the audience was made so, or found so: its lifespan is what Meta states."""
    audience_is(desk, name="Short", retention_days=30)
    desk.join(*range(40))
    clock = Hands()
    assert desk.syncd("sync", "everyone", clock=clock).code == 0
    before = desk.local.meta_world.rows["add"]
    for _ in range(22):
        clock.pass_by(days=1)
        assert desk.syncd("sync", "everyone", clock=clock).code == 0
    assert desk.local.meta_world.rows["add"] >= before + 40


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"retention_days": 181}, "retention_days: must be a number, 1 to 180, not 181"),
        ({"retention_days": 0}, "retention_days: must be a number, 1 to 180, not 0"),
        ({"retention_days": "90"}, "retention_days: must be a number, 1 to 180"),
        ({"retention_days": True}, "retention_days: must be a number, 1 to 180"),
        ({"labels": "AT_RISK"}, "labels: must be a list of words"),
        ({"labels": ["WHALES"]}, "labels: WHALES is none of APP_USERS, AT_RISK"),
        ({"customer_file_source": "BOTH"}, "customer_file_source: BOTH is none of"),
        ({"description": 1}, "description: must be text"),
        ({"retention": 90}, "retention: unknown key; did you mean retention_days?"),
        ({"lint": "maybe"}, "lint: must be on or off"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line(
    desk: Desk, keys: dict[str, object], said: str
) -> None:
    audience_is(desk, name="Whales", **keys)
    answer = desk.syncd("config", "check")
    assert answer.code == 78
    assert f"syncs.everyone.audience.{said}" in answer.err
    assert "syncd.yaml:" in answer.err


def test_an_audience_that_is_there_is_made_with_nothing(desk: Desk) -> None:
    audience_is(desk, id="12", description="Mine")
    answer = desk.syncd("config", "check")
    assert answer.code == 78
    assert "description: only for an audience that is created, by its name" in answer.err


def test_another_platform_takes_other_keys(desk: Desk) -> None:
    desk.also("google", account="google", audience={"name": "G", "retention_days": 9})
    answer = desk.syncd("config", "check")
    assert answer.code == 78
    assert "syncs.google.audience.retention_days: unknown key" in answer.err


# --- Google ---------------------------------------------------------------------------


def test_a_google_list_is_made_with_what_the_configuration_says(desk: Desk) -> None:
    """And its members are sent again before Google ends their membership."""
    made = {"name": "Short", "description": "Bought most", "membership_days": 30}
    desk.sync.update(account="google")
    audience_is(desk, **made)
    desk.join(*range(40), consent="granted")
    clock = Hands()
    assert desk.syncd("sync", "everyone", clock=clock).code == 0
    about = desk.audience("Short", google=True).about
    assert about == {"description": "Bought most", "membership_days": 30}
    before = desk.local.google_world.rows["add"]
    for _ in range(22):
        clock.pass_by(days=1)
        assert desk.syncd("sync", "everyone", clock=clock).code == 0
    assert desk.local.google_world.rows["add"] >= before + 40


@pytest.mark.parametrize("days", [0, 541, 10_000, "30"])
def test_google_keeps_members_from_1_to_540_days(desk: Desk, days: object) -> None:
    desk.sync.update(account="google")
    audience_is(desk, name="Whales", membership_days=days)
    answer = desk.syncd("config", "check")
    assert answer.code == 78
    assert "syncs.everyone.audience.membership_days: must be a number, 1 to 540" in answer.err


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"membership_status": "CLOSED", "closing_reason": "UNUSED"}, "no campaign used it"),
        ({"membership_status": "CLOSED"}, "open it again in Google Ads"),
        ({"upload_key_types": ["MOBILE_ID"]}, "the list is for MOBILE_ID, not for contact data"),
        ({"upload_key_types": []}, "the list is for no uploads at all"),
        ({"read_only": True}, "another account owns it"),
        ({"account_access_status": "DISABLED"}, "its owner no longer shares it"),
    ],
)
def test_a_google_list_that_takes_nobody_is_refused_before_anything_is_sent(
    desk: Desk, about: dict[str, object], said: str
) -> None:
    found = desk.local.google_world.create(desk.google_account, "Whales")
    found.about.update(about)
    desk.sync.update(account="google")
    audience_is(desk, name="Whales")
    desk.join(1, consent="granted")
    answer = desk.syncd("sync", "everyone", "--adopt")
    assert answer.code == 1
    assert said in answer.err
    assert not found.ever_filled


def test_two_audiences_may_be_described_alike(desk: Desk) -> None:
    """Only a name or an id makes two of them one."""
    audience_is(desk, name="One", description="Mine")
    desk.also("second", audience={"name": "Two", "description": "Mine"})
    assert desk.syncd("config", "check").code == 0


def test_what_an_audience_is_made_with_shapes_no_plan(filled: Desk) -> None:
    """A plan that was shown before a description was changed is still good."""
    filled.join(11)
    plan = filled.plan_of(filled.syncd("plan", "everyone", "--json"))
    audience_is(filled, name="Everyone", description="Everybody")
    assert filled.syncd("sync", "everyone", "--plan", plan).code == 0


# --- names that are flagged -----------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"name": "Diabetes_buyers"}, "diabetes"),
        ({"name": "Whales", "description": "People in Überschuldung"}, "uberschuldung"),
        ({"name": "Low-income", "description": "and pregnant"}, "low income, pregnant"),
        ({"name": "Zwangere klanten"}, "zwangere"),
        ({"name": "Chômage 2026"}, "chomage"),
    ],
)
def test_a_name_that_meta_would_flag_is_told_and_not_made(
    desk: Desk, keys: dict[str, str], words: str
) -> None:
    """By `config check` and `doctor` as a note, by a run as a refusal; nothing was sent."""
    audience_is(desk, **keys)
    desk.join(1)
    checked = desk.syncd("config", "check")
    assert checked.code == 0
    assert f"says {words};" in checked.out
    doctored = desk.syncd("doctor", "accounts")
    assert doctored.code == 1
    assert f"meta, audience {keys['name']}: WARNING (wording)" in doctored.out
    refused(desk, 78, f"says {words}.", "lint: off")
    assert not desk.local.meta_world.named(desk.meta_account, keys["name"])


@pytest.mark.parametrize("off", ["off", False])
def test_whoever_means_something_else_says_so(desk: Desk, off: object) -> None:
    audience_is(desk, name="Cancer the crab, fans", lint=off)
    desk.join(1)
    assert "flags audiences" not in desk.syncd("config", "check").out
    assert desk.syncd("doctor", "accounts").code == 0
    assert desk.syncd("sync", "everyone").code == 0
    assert desk.audience("Cancer the crab, fans").about.keys() == {"customer_file_source"}


def test_an_audience_that_exists_keeps_its_name(desk: Desk) -> None:
    desk.local.meta_world.create(desk.meta_account, "Allergy shoppers")
    audience_is(desk, name="Allergy shoppers")
    desk.join(1)
    assert desk.syncd("sync", "everyone").code == 0


@pytest.mark.parametrize(
    "name", ["Whales", "Everyone", "Cart abandoners", "VIP Kunden", "Creditable", "Win-back 2026"]
)
def test_ordinary_names_are_not_flagged(desk: Desk, name: str) -> None:
    audience_is(desk, name=name, description="Customers who bought twice, to thank them")
    assert "flags audiences" not in desk.syncd("config", "check").out


# --- how many there may be ------------------------------------------------------------


def test_a_full_account_gets_no_further_audience(desk: Desk) -> None:
    world = desk.local.meta_world
    for number in range(MAX_AUDIENCES - 1):
        world.create(desk.meta_account, f"list {number}")
    desk.join(1)
    assert desk.syncd("sync", "everyone").code == 0, "the last one"
    desk.also("second", audience="Second")
    before = world.requests["create"]
    answer = desk.syncd("sync", "second")
    assert answer.code == 1
    assert f"has {MAX_AUDIENCES} customer lists and Meta takes {MAX_AUDIENCES}" in answer.err
    assert world.requests["create"] == before
    assert here("sync", "everyone", config=desk.config).code == 0, "those that are there go on"
