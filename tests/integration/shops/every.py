"""The shops that the world is loaded into, one a system and layout, each loaded once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from syncd.segments import catalogue_query
from syncd.segments.systems import Source
from syncd.shop import open_shop
from tests.integration.databases import Database, Dialect, MakeDatabase
from tests.integration.shops.canonical import load_canonical
from tests.integration.shops.magento import load_magento
from tests.integration.shops.medusa import load_medusa
from tests.integration.shops.prestashop import load_prestashop
from tests.integration.shops.saleor import load_saleor
from tests.integration.shops.shopify import load_airbyte, load_fivetran
from tests.integration.shops.shopware import load_shopware
from tests.integration.shops.shopware_keys import channel
from tests.integration.shops.solidus import load_solidus
from tests.integration.shops.spree import load_spree
from tests.integration.shops.sylius import load_sylius
from tests.integration.shops.woocommerce import load_woocommerce
from tests.integration.shops.world import AS_OF, ZONE
from tests.segment_samples import ended

GUEST_KEY = "5e" * 32
MAGENTO = Source("magento", GUEST_KEY, stores=("1",))
MEDUSA = Source("medusa", GUEST_KEY, stores=("sc_1",), consents={"email": "newsletter"})
PRESTASHOP = Source("prestashop", GUEST_KEY, stores=("1",))
SALEOR = Source("saleor", GUEST_KEY, stores=("webshop",), consents={"email": "newsletter"})
SOLIDUS = Source("solidus", GUEST_KEY, stores=("1",), consents={"email": "newsletter"})
SPREE = Source("spree", GUEST_KEY, stores=("1",), consents={"email": "newsletter"})
SYLIUS = Source("sylius", GUEST_KEY, stores=("WEB",))
SHOPWARE = Source("shopware", GUEST_KEY, stores=(channel(1),))
WOOCOMMERCE = Source("woocommerce", GUEST_KEY, consents={"email": "mailpoet"})
# Nothing says where she registered, and she ordered in the other store.
_ORDERED_ELSEWHERE = dict.fromkeys(("prospects_all", "journey_stage"), frozenset({"ida"}))
# Only accounts and orders can say something there, and she has neither.
_NOBODY_HEARD_OLGA: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("newsletter_subscribers", "preferred_channel"), frozenset({"olga"})),
    **{name: who | {"olga"} for name, who in _ORDERED_ELSEWHERE.items()},
}


@dataclass(frozen=True)
class TestShop:
    """A shop with the world in it.

    Attributes:
        source: How it is read; None for the canonical one.
        both_stores: How it is read with the other store.
        counted: A status that can be said to be paid, and who alone are then customers.
        guests: Who has the key of a guest.
        without: By segment: who is none of its members for want of something that the system
            does not know.
    """

    __test__ = False

    dialect: Dialect
    load: Callable[[Database], None]
    source: Source | None
    both_stores: Source | None = None
    counted: tuple[str, str] = ("", "")
    guests: frozenset[str] = frozenset({"ben", "carla", "xena"})
    without: Mapping[str, frozenset[str]] = field(default_factory=dict)


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
        "mysql",
        load_prestashop,
        PRESTASHOP,
        replace(PRESTASHOP, stores=("1", "2")),
        ("6", "fred"),
        without={"gift_buyers": frozenset({"umar"})},  # a gift card is a thing like others there
    ),
    "magento": TestShop(
        "mysql", load_magento, MAGENTO, replace(MAGENTO, stores=("1", "2")), ("canceled", "fred")
    ),
    "shopify": TestShop(
        "postgresql",
        load_fivetran,
        Source("shopify", GUEST_KEY),
        counted=("pending", "gina piet"),
        guests=frozenset({"xena"}),  # all others are customers with a number
    ),
    "shopify, airbyte": TestShop(
        "postgresql",
        load_airbyte,
        Source("shopify", GUEST_KEY, "airbyte"),
        counted=("pending", "gina piet"),
        guests=frozenset({"xena"}),
    ),
    "medusa": TestShop(
        "postgresql",
        load_medusa,
        MEDUSA,
        replace(MEDUSA, stores=("sc_1", "sc_2")),
        without=_ORDERED_ELSEWHERE,
    ),
    "saleor": TestShop(
        "postgresql",
        load_saleor,
        SALEOR,
        replace(SALEOR, stores=("webshop", "outlet")),
        ("none", "gina nina"),
        without=_NOBODY_HEARD_OLGA,
    ),
    "solidus": TestShop(
        "postgresql",
        partial(load_solidus, layout="spree_users"),
        SOLIDUS,
        replace(SOLIDUS, stores=("1", "2")),
        ("balance_due", "eva gina"),
        without=_NOBODY_HEARD_OLGA,
    ),
    "solidus, users": TestShop(
        "postgresql",
        partial(load_solidus, layout="users"),
        replace(SOLIDUS, layout="users"),
        replace(SOLIDUS, layout="users", stores=("1", "2")),
        ("balance_due", "eva gina"),
        without=_NOBODY_HEARD_OLGA,
    ),
    "spree": TestShop(
        "postgresql",
        partial(load_spree, layout="spree_users"),
        SPREE,
        replace(SPREE, stores=("1", "2")),
        ("balance_due", "eva gina"),
        without=_ORDERED_ELSEWHERE,
    ),
    "spree, users": TestShop(
        "postgresql",
        partial(load_spree, layout="users"),
        replace(SPREE, layout="users"),
        replace(SPREE, layout="users", stores=("1", "2")),
        ("balance_due", "eva gina"),
        without=_ORDERED_ELSEWHERE,
    ),
    "sylius": TestShop(
        "mysql",
        load_sylius,
        SYLIUS,
        replace(SYLIUS, stores=("WEB", "OUTLET")),
        ("awaiting_payment", "gina piet"),
    ),
    "sylius, refund plugin": TestShop(
        "mysql",
        partial(load_sylius, refund_plugin=True),
        replace(SYLIUS, layout="refund_plugin"),
    ),
    "shopware": TestShop(
        "mysql",
        load_shopware,
        SHOPWARE,
        replace(SHOPWARE, stores=(channel(1), channel(2))),
        ("open", "gina"),
        without={"prospects_all": frozenset({"tess"})},  # known by her cart alone, which is unread
    ),
}
SYSTEMS = tuple(name for name, each in SHOPS.items() if each.source)
_LOADED: dict[str, Database] = {}


def loaded(shop: str, make: MakeDatabase) -> Database:
    """A shop's database, loaded once."""
    if shop not in _LOADED:
        _LOADED[shop] = make(SHOPS[shop].dialect)
        SHOPS[shop].load(_LOADED[shop])
    return _LOADED[shop]


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


def people(
    database: Database, name: str, source: Source | None, **parameters: object
) -> dict[str, dict[str, object]]:
    """A segment's rows by the name before the @; nobody stands in it twice."""
    found = [(named(row["email"]), row) for row in rows(database, name, source, **parameters)]
    assert len(dict(found)) == len(found)
    return dict(found)


def named(email: object) -> str:
    """Who an e-mail belongs to."""
    return str(email).strip().lower().removesuffix("@example.com")
