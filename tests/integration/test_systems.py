"""Each shop system gives the members that the canonical shop gives for the same world."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest
from sqlalchemy import make_url

from syncd.errors import ConfigError
from tests.integration.commands import Desk, Hands
from tests.integration.databases import Database, MakeDatabase
from tests.integration.shops.every import (
    GUEST_KEY,
    SHOPS,
    SYLIUS,
    SYSTEMS,
    WOOCOMMERCE,
    loaded,
    people,
)
from tests.integration.shops.world import AS_OF, EXPECTED, VALUES, ZONE


@pytest.fixture(params=SHOPS)
def shop(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def database(shop: str, make_database: MakeDatabase) -> Database:
    return loaded(shop, make_database)


def test_every_shop_gives_what_the_whales_of_the_same_world_are_worth(
    shop: str, database: Database
) -> None:
    """As syncd reads a shop; who else is a member of what: test_systems_catalogue."""
    found = people(database, "whales", SHOPS[shop].source)
    assert {who: row["value"] for who, row in found.items()} == VALUES


@pytest.mark.parametrize("shop", SYSTEMS)
def test_a_person_has_the_key_that_was_theirs_first(shop: str, make_database: MakeDatabase) -> None:
    """Carla's is a guest's: she ordered as one before she registered."""
    guests = SHOPS[shop].guests
    found = people(loaded(shop, make_database), "all_customers", SHOPS[shop].source)
    keys = {who: str(row["customer_key"]) for who, row in found.items()}
    assert {who: keys[who] for who in guests} == {
        who: f"g:{sha256(f'{GUEST_KEY}{who}@example.com'.encode()).hexdigest()}" for who in guests
    }
    assert {who for who, key in keys.items() if key.startswith("c:")} == set(keys) - guests
    assert len(set(keys.values())) == len(keys)


@pytest.mark.parametrize("shop", [name for name in SYSTEMS if SHOPS[name].both_stores])
def test_other_stores_come_in_where_they_are_named(shop: str, make_database: MakeDatabase) -> None:
    found = people(loaded(shop, make_database), "all_customers", SHOPS[shop].both_stores)
    assert set(found) == EXPECTED["all_customers"] | {"hugo", "ida", "kees"}


@pytest.mark.parametrize("shop", [name for name in SYSTEMS if SHOPS[name].counted[0]])
def test_what_counts_as_paid_can_be_said(shop: str, make_database: MakeDatabase) -> None:
    status, who = SHOPS[shop].counted
    source = SHOPS[shop].source
    assert source
    counted = replace(source, paid=(status,))
    assert set(people(loaded(shop, make_database), "all_customers", counted)) == set(who.split())


def test_woocommerce_reads_nothing_where_the_other_storage_is_in_charge(
    make_database: MakeDatabase,
) -> None:
    """Its tables are there, and may be stale; nobody is removed for an empty read."""
    database = loaded("woocommerce", make_database)
    assert not people(database, "all_customers", replace(WOOCOMMERCE, layout="posts"))


def test_woocommerce_takes_consent_from_a_meta_key(make_database: MakeDatabase) -> None:
    database = loaded("woocommerce", make_database)
    words = [(11, "ads_ok", "Yes"), (13, "ads_ok", "0"), (15, "ads_ok", "perhaps")]
    database.load("wp_usermeta", ("user_id", "meta_key", "meta_value"), words)
    source = replace(WOOCOMMERCE, consents={"ads": "ads_ok"})
    found = people(database, "all_customers", source)
    said = {who: row["ad_consent"] for who, row in found.items()}
    assert said == {**dict.fromkeys(found, "unknown"), "anna": "granted", "carla": "denied"}


def test_sylius_knows_what_its_plug_in_paid_back_whole_without_being_told_of_it(
    make_database: MakeDatabase,
) -> None:
    """Of what it paid back in part nothing is known then, and the order counts whole."""
    source = replace(SYLIUS, layout="core")
    found = people(loaded("sylius, refund plugin", make_database), "all_customers", source)
    assert set(found) == EXPECTED["all_customers"]


def test_a_segment_without_its_data_is_refused_and_not_empty(make_database: MakeDatabase) -> None:
    database = loaded("woocommerce", make_database)
    with pytest.raises(ConfigError, match="newsletter_subscribers is unavailable: WooCommerce has"):
        people(database, "newsletter_subscribers", replace(WOOCOMMERCE, consents={}))


def test_the_commands_know_the_shops_system(
    desk: Desk, make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the configuration to the platform, with a guest's key under the ledger's own key."""
    address = make_url(loaded("woocommerce", make_database).url)
    monkeypatch.setenv("SHOP_PASSWORD", address.password or "")
    url = address._replace(password=None).render_as_string()
    shop = {"url": url, "password": "${SHOP_PASSWORD}", "schema": "woocommerce", "timezone": ZONE}
    desk.settings["shop"] = shop
    desk.settings["segments"]["everyone"] = {"use": "all_customers"}
    desk.save()

    answer = desk.syncd("segments", "list", "--json")
    assert answer.code == 0, answer.err
    lacking = answer.json["unavailable"]
    assert "no consents: it keeps none itself" in lacking["newsletter_subscribers"]
    assert not {*EXPECTED, "new_customers"} & lacking.keys() - {"newsletter_subscribers"}
    [line] = [
        each
        for each in desk.syncd("doctor", "--json").json["here"]["lines"]
        if each["what"] == "shop system"
    ]
    assert line["verdict"] == "ok"
    served = len(answer.json["catalogue"]) - len(lacking)
    assert line["said"].startswith(f"WooCommerce serves {served} of {served + len(lacking)} seg")

    shown = desk.syncd("segments", "show", "all_customers", "--json")
    assert shown.json["binds"]["guest_key"] == "***"
    assert "FROM `wp_wc_orders` o" in shown.json["sql"]

    assert desk.syncd("sync", "everyone", clock=Hands(AS_OF)).code == 0
    mails = {f"{who}@example.com" for who in EXPECTED["all_customers"]}
    held = {value for kind, value in desk.held() if kind == "email"}
    assert held == {sha256(mail.encode()).hexdigest() for mail in mails}

    shop["layout"] = "posts"
    desk.save()
    assert desk.syncd("sync", "everyone", clock=Hands(AS_OF)).code == 4  # empty: nobody is removed
    shop["layout"] = "cpt"
    desk.save()
    answer = desk.syncd("config", "check")
    assert answer.code == 78
    assert "shop.layout: WooCommerce has hpos or posts" in answer.err
