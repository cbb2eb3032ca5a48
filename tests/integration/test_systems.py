"""Each shop system gives the members that the canonical shop gives for the same world."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256

import pytest
from sqlalchemy import make_url

from syncd.errors import ConfigError
from syncd.segments import catalogue, catalogue_query
from syncd.segments.systems import Source
from syncd.shop import open_shop
from tests.integration.commands import Desk, Hands
from tests.integration.databases import Database, Dialect, MakeDatabase
from tests.integration.shops.magento import load_magento
from tests.integration.shops.medusa import load_medusa
from tests.integration.shops.prestashop import load_prestashop
from tests.integration.shops.shopify import load_airbyte, load_fivetran
from tests.integration.shops.woocommerce import load_woocommerce
from tests.integration.shops.world import AS_OF, EXPECTED, VALUES, ZONE, load_canonical
from tests.segment_samples import ended

GUEST_KEY = "5e" * 32
MAGENTO = Source("magento", GUEST_KEY, stores=("1",))
MEDUSA = Source("medusa", GUEST_KEY, stores=("sc_1",), consents={"email": "newsletter"})
PRESTASHOP = Source("prestashop", GUEST_KEY, stores=("1",))
WOOCOMMERCE = Source("woocommerce", GUEST_KEY, consents={"email": "mailpoet"})


@dataclass(frozen=True)
class TestShop:
    """A shop with the world in it.

    Attributes:
        source: How it is read; None for the canonical one.
        both_stores: How it is read with the other store.
        counted: A status that can be said to be paid, and who is then the only customer.
        guests: Who has the key of a guest.
    """

    __test__ = False

    dialect: Dialect
    load: Callable[[Database], None]
    source: Source | None
    both_stores: Source | None = None
    counted: tuple[str, str] = ("", "")
    guests: frozenset[str] = frozenset({"ben", "carla", "xena"})


SHOPS = {
    "canonical": TestShop("sqlite", load_canonical, None),
    "woocommerce": TestShop(
        "mysql",
        partial(load_woocommerce, layout="hpos"),
        WOOCOMMERCE,
        replace(WOOCOMMERCE, stores=("1", "2")),
        ("wc-cancelled", "fred"),
    ),
    "woocommerce, posts": TestShop(
        "mysql",
        partial(load_woocommerce, layout="posts", prefix="shop_"),
        replace(WOOCOMMERCE, layout="posts", prefix="shop_"),
        replace(WOOCOMMERCE, layout="posts", prefix="shop_", stores=("1", "2")),
        ("wc-cancelled", "fred"),
    ),
    "prestashop": TestShop(
        "mysql", load_prestashop, PRESTASHOP, replace(PRESTASHOP, stores=("1", "2")), ("6", "fred")
    ),
    "magento": TestShop(
        "mysql", load_magento, MAGENTO, replace(MAGENTO, stores=("1", "2")), ("canceled", "fred")
    ),
    "shopify": TestShop(
        "postgresql",
        load_fivetran,
        Source("shopify", GUEST_KEY),
        counted=("pending", "gina"),
        guests=frozenset({"xena"}),  # all others are customers with a number
    ),
    "shopify, airbyte": TestShop(
        "postgresql",
        load_airbyte,
        Source("shopify", GUEST_KEY, "airbyte"),
        counted=("pending", "gina"),
        guests=frozenset({"xena"}),
    ),
    "medusa": TestShop("postgresql", load_medusa, MEDUSA, replace(MEDUSA, stores=("sc_1", "sc_2"))),
}
SYSTEMS = tuple(name for name, each in SHOPS.items() if each.source)
_LOADED: dict[str, Database] = {}


@pytest.fixture(params=SHOPS)
def shop(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def loaded(shop: str, make: MakeDatabase) -> Database:
    """A shop's database, loaded once."""
    if shop not in _LOADED:
        _LOADED[shop] = make(SHOPS[shop].dialect)
        SHOPS[shop].load(_LOADED[shop])
    return _LOADED[shop]


@pytest.fixture
def database(shop: str, make_database: MakeDatabase) -> Database:
    return loaded(shop, make_database)


def rows(
    database: Database, name: str, source: Source | None, **parameters: object
) -> Iterator[dict[str, object]]:
    opened = open_shop(database.url, None, timezone=ZONE)
    query = catalogue_query(
        name,
        parameters=parameters,
        as_of=AS_OF,
        timezone=ZONE,
        dialect=opened.dialect,
        source=source,
    )
    with opened.read(ended(query)) as reading:
        for batch in reading:
            yield from batch.to_pylist()
        reading.seal()


def people(database: Database, name: str, source: Source | None) -> dict[str, dict[str, object]]:
    """A segment's rows by the name before the @; nobody stands in it twice."""
    found = [(_name(row["email"]), row) for row in rows(database, name, source)]
    assert len(dict(found)) == len(found)
    return dict(found)


def _name(email: object) -> str:
    return str(email).strip().lower().removesuffix("@example.com")


@pytest.mark.parametrize("name", EXPECTED)
def test_every_shop_gives_the_members_of_the_same_world(
    shop: str, database: Database, name: str
) -> None:
    found = people(database, name, SHOPS[shop].source)
    assert set(found) == EXPECTED[name]
    if name == "whales":
        assert {who: row["value"] for who, row in found.items()} == VALUES


@pytest.mark.parametrize("shop", ["woocommerce", "shopify"])
def test_segments_that_need_no_more_agree_with_the_canonical_shop(
    shop: str, make_database: MakeDatabase
) -> None:
    """Those that can be asked without parameters, and read no optional column."""
    source = SHOPS[shop].source
    canonical, database = loaded("canonical", make_database), loaded(shop, make_database)
    names = [
        each.name
        for each in catalogue()
        if set(each.needs) <= {"customers", "orders", "carts", "consents"}
        and not any(parameter.required for parameter in each.parameters)
        and each.name not in EXPECTED
    ]
    assert len(names) > 15
    expected = {name: set(people(canonical, name, None)) for name in names}
    assert sum(map(bool, expected.values())) > 10
    assert {name: set(people(database, name, source)) for name in names} == expected


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
    assert set(people(loaded(shop, make_database), "all_customers", counted)) == {who}


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
