"""The world as Shopware 6.6 stores it: binary ids, a row a guest's checkout, drafts of orders.

Store 2 is a second sales channel.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from json import dumps

from tests.integration.databases import Database
from tests.integration.shops.shopware_goods import GOODS, load_categories, load_lines, load_products
from tests.integration.shops.shopware_keys import (
    DRAFT,
    NO_TIME,
    SYSTEM_LANGUAGE,
    VERSIONS,
    channel,
    key,
    price,
)
from tests.integration.shops.shopware_tables import ORDER_TABLES, PEOPLE
from tests.integration.shops.world import ACCOUNTS, CONSENTS, ORDERS, Account, Order, at, spelled

_BLOCKED, _UNCONFIRMED = (
    Account(98, "blocked@example.com"),
    Account(99, "unconfirmed@example.com"),
)
_A_JANSEN = ("A", "Jansen")
_GERMAN = key("language", "de")
_SALUTATIONS = {"m": "mr", "f": "mrs", None: "not_specified"}
_WORDS = {"granted": "optIn", "denied": "optOut", "pending": "notSet"}
# Each payment of an order, oldest first: what is paid was tried in vain before and after.
_PAYMENTS = {
    "paid": ("reminded", "failed", "paid", "cancelled"),
    "refunded": ("refunded",),
    "cancelled": ("paid",),  # the order's own state is what makes it none
    "pending": ("open",),
    "failed": ("cancelled", "failed"),
}
# Of an account that is switched off, and one that was given up before it was paid.
MORE_ORDERS = (
    Order("blocked@example.com", 98, at("2026-01-10 10:00:00"), number=98),
    Order("rosa@example.com", 28, at("2026-09-20 10:00:00"), state="cancelled", number=97),
)
_ALL = (*ORDERS, *MORE_ORDERS)


def create_shopware(database: Database) -> None:
    """Its tables, with countries, languages, currencies and states alone."""
    database.execute(*PEOPLE.split(";"), *ORDER_TABLES.split(";"), *GOODS.split(";"))
    _load_words(database)


def load_shopware(database: Database) -> None:
    """Both sales channels."""
    create_shopware(database)
    _load_customers(database)
    _load_newsletter(database)
    _load_orders(database)
    _load_parties(database)
    _load_payments(database)
    _load_refunds(database)
    load_products(database)
    load_categories(database)
    load_lines(database, _ALL, rate, net)


def rate(order: Order) -> int:
    """What a euro is in the order's currency: Carla pays in dollars."""
    return 2 if order.account == 13 else 1


def net(order: Order) -> bool:
    """Whether the customer sees prices without tax, a quarter of them: Nina's group does."""
    return order.account == 24


def _load_words(database: Database) -> None:
    countries = [(key("country", iso), iso) for iso in ("NL", "BE")]
    database.load("country", ("id", "iso"), countries)
    database.load(
        "country_state_translation",
        ("country_state_id", "language_id", "name", "created_at"),
        [
            (key("region", "UT"), SYSTEM_LANGUAGE, "Utrecht (provincie)", NO_TIME),
            (key("region", "UT"), _GERMAN, "Provinz Utrecht", NO_TIME),
        ],
    )
    salutations = [(key("salutation", one), one) for one in _SALUTATIONS.values()]
    database.load("salutation", ("id", "salutation_key"), salutations)
    locales = [(key("locale", code), code) for code in ("nl-NL", "de-DE")]
    database.load("locale", ("id", "code"), locales)
    languages = [
        (SYSTEM_LANGUAGE, "Nederlands", key("locale", "nl-NL")),
        (_GERMAN, "Deutsch", key("locale", "de-DE")),
    ]
    database.load("language", ("id", "name", "locale_id"), languages)
    currencies = [(key("currency", "EUR"), "EUR", 1), (key("currency", "USD"), "USD", 3)]
    database.load("currency", ("id", "iso_code", "factor"), currencies)
    states = {
        "order": ("open", "in_progress", "completed", "cancelled"),
        "payment": (
            *("open", "reminded", "paid", "refunded", "refunded_partially", "failed"),
            "cancelled",
        ),
        "refund": ("open", "completed", "failed"),
    }
    database.load(
        "state_machine_state",
        ("id", "technical_name", "state_machine_id"),
        [
            (state_id(machine, name), name, key("machine", machine))
            for machine, names in states.items()
            for name in names
        ],
    )


def state_id(machine: str, name: str) -> bytes:
    """The id of a state, of an `order`, a `payment` or a `refund`."""
    return key(f"{machine} state", name)


def _load_customers(database: Database) -> None:
    accounts = [each for each in ACCOUNTS if not each.deleted]
    database.load(
        "customer",
        (
            *("id", "sales_channel_id", "language_id", "default_billing_address_id"),
            *("customer_number", "salutation_id", "first_name", "last_name", "email", "active"),
            *("double_opt_in_registration", "double_opt_in_confirm_date", "guest", "birthday"),
            "created_at",
        ),
        [
            (
                *(key("customer", one.number), _registered(one)),
                _GERMAN if one.locale == "de_DE" else SYSTEM_LANGUAGE,
                *(key("address", one.number), one.number),
                *(key("salutation", _SALUTATIONS[one.gender]), one.first_name, "Jansen"),
                *(one.email, one is not _BLOCKED, one is _UNCONFIRMED or one.number == 11),
                spelled(one.registered_at) if one.number == 11 else None,
                *(guest, one.birth_date, spelled(one.registered_at)),
            )
            for guest, some in (
                (False, (*accounts, _BLOCKED, _UNCONFIRMED)),
                (True, tuple(_guests())),
            )
            for one in some
        ],
    )
    names = ("id", "customer_id", "country_id", "first_name", "last_name")
    database.load(
        "customer_address",
        (*names, *_PLACE),
        [
            (
                *(key("address", one.number), key("customer", one.number)),
                *(key("country", one.country), one.first_name, "Jansen", *_place(one.number)),
            )
            for one in (*accounts, _BLOCKED, _UNCONFIRMED, *_guests())
        ],
    )


_PLACE = ("street", "zipcode", "city", "country_state_id", "phone_number", "created_at")


def _place(number: int) -> tuple[object, ...]:
    """Somewhere in Utrecht, the city and the region."""
    return "Straat 1", f"35{number}", "Utrecht", key("region", "UT"), f"+31 6 {number}", NO_TIME


def _registered(account: Account) -> bytes:
    """The channel where somebody did; Umar in the other than where he buys."""
    return bytes.fromhex(channel(2 if account.number == 31 else account.store))


def _guests() -> Iterator[Account]:
    """Each checkout of a guest makes its own."""
    for order in ORDERS:
        if order.account is None:
            yield Account(order.number, order.email, order.placed_at, order.store)


def _load_newsletter(database: Database) -> None:
    """Olga's was taken without asking back; who left had been confirmed first."""
    long_ago, later = at("2024-05-01 10:00:00"), timedelta(days=30)
    database.load(
        "newsletter_recipient",
        (
            *("id", "email", "status", "hash", "language_id", "sales_channel_id"),
            *("confirmed_at", "created_at", "updated_at"),
        ),
        [
            (
                *(key("recipient", one.number), one.email),
                "direct" if direct else _WORDS[one.word],
                *(f"hash {one.number}", SYSTEM_LANGUAGE, bytes.fromhex(channel(one.store))),
                *_moments(one.word, one.said_at, long_ago, direct=direct),
                one.said_at + later if one.word == "granted" else one.said_at,
            )
            for one in CONSENTS
            for direct in [one.account is None and one.email.startswith("olga")]
        ],
    )


def _moments(
    word: str, said: datetime, long_ago: datetime, *, direct: bool
) -> tuple[datetime | None, datetime]:
    """When a recipient was confirmed, and entered."""
    if direct:
        return None, said
    return {"granted": said, "denied": long_ago}.get(word), long_ago


def _load_orders(database: Database) -> None:
    """The draft of each is nine times as dear, and in the channel that counts."""
    database.load(
        "`order`",
        (
            *("id", "version_id", "state_id", "order_number", "currency_id", "currency_factor"),
            *("sales_channel_id", "billing_address_id", "billing_address_version_id", "price"),
            *("order_date_time", "created_at"),
        ),
        [
            (
                *(
                    key("order", one.number),
                    version,
                    state_id("order", _own_state(one)),
                    one.number,
                ),
                *(key("currency", "EUR" if rate(one) == 1 else "USD"), rate(one)),
                bytes.fromhex(channel(1 if version == DRAFT else one.store)),
                *(key("bill", one.number), version),
                *(_sum(one, 9 if version == DRAFT else 1), spelled(one.placed_at), NO_TIME),
            )
            for version in VERSIONS
            for one in _ALL
        ],
    )


def _own_state(order: Order) -> str:
    return "cancelled" if order.state == "cancelled" else "open"


def _sum(order: Order, times: int) -> str:
    total = order.total * rate(order) * times
    tax = total / 5  # a quarter of what is without it
    known = {"totalPrice": float(total), "netPrice": float(total - tax)}
    return dumps({**known, "taxStatus": "net" if net(order) else "gross"})


def _load_parties(database: Database) -> None:
    """Who ordered, and where it goes; a draft goes to Somebody Else."""
    gone = {each.number for each in ACCOUNTS if each.deleted}
    database.load(
        "order_customer",
        (
            *("id", "version_id", "customer_id", "order_id", "order_version_id", "email"),
            *("first_name", "last_name", "created_at"),
        ),
        [
            (
                *(key("party", one.number), version),
                None if one.account in gone else key("customer", one.account or one.number),
                *(key("order", one.number), version, one.email, "A", "Jansen", NO_TIME),
            )
            for version in VERSIONS
            for one in _ALL
        ],
    )
    names = ("id", "version_id", "country_id", "order_id", "order_version_id", "first_name")
    database.load(
        "order_address",
        (*names, "last_name", *_PLACE),
        [
            (
                *(key(kind, one.number), version, key("country", "NL"), key("order", one.number)),
                *(version, *name, *_place(one.number)),
            )
            for version in VERSIONS
            for one in _ALL
            for kind, name in (
                ("bill", _A_JANSEN),
                ("ship", ("Somebody", "Else") if one.to_other or version == DRAFT else _A_JANSEN),
            )
        ],
    )
    database.load(
        "order_delivery",
        (
            *("id", "version_id", "order_id", "order_version_id", "state_id"),
            *("shipping_order_address_id", "shipping_order_address_version_id"),
            *("shipping_costs", "created_at"),
        ),
        [
            (
                *(key("delivery", (one.number, costs)), version, key("order", one.number), version),
                *(state_id("order", "open"), key("ship", one.number), version),
                *(price(costs, costs), NO_TIME),
            )
            for version in VERSIONS
            for one in _ALL
            for costs in (4, -4)  # free, by a second one that takes off what the first costs
        ],
    )


def _load_payments(database: Database) -> None:
    """A draft's is refunded."""
    database.load(
        "order_transaction",
        (
            *("id", "version_id", "order_id", "order_version_id", "state_id", "amount"),
            "created_at",
        ),
        [
            (
                *(key("payment", (one.number, place)), version, key("order", one.number), version),
                state_id("payment", "refunded" if version == DRAFT else state),
                *(price(one.total, one.total), spelled(one.placed_at + place * timedelta(hours=1))),
            )
            for version in VERSIONS
            for one in _ALL
            for place, state in enumerate(_payments(one))
        ],
    )


def _payments(order: Order) -> tuple[str, ...]:
    if order.state == "paid" and order.refunded:
        return ("refunded_partially",)
    if order in MORE_ORDERS and order.state == "cancelled":
        return ("open",)
    return _PAYMENTS[order.state]


def _load_refunds(database: Database) -> None:
    """Of orders of which a part came back: what did, and a second try that failed."""
    refunded = [each for each in ORDERS if each.state == "paid" and each.refunded]
    database.load(
        "order_transaction_capture",
        (
            *("id", "version_id", "order_transaction_id", "order_transaction_version_id"),
            *("state_id", "amount", "created_at"),
        ),
        [
            (
                *(key("capture", one.number), version, key("payment", (one.number, 0)), version),
                *(state_id("refund", "completed"), price(one.total, one.total), NO_TIME),
            )
            for version in VERSIONS
            for one in refunded
        ],
    )
    tries: tuple[tuple[str, Decimal], ...] = (("completed", Decimal(1)), ("failed", Decimal("0.1")))
    database.load(
        "order_transaction_capture_refund",
        (
            "id",
            "version_id",
            "capture_id",
            "capture_version_id",
            "state_id",
            "amount",
            "created_at",
        ),
        [
            (
                *(key("refund", (one.number, state)), version, key("capture", one.number), version),
                state_id("refund", state),
                *(price(one.refunded * share, one.refunded * share), NO_TIME),
            )
            for version in VERSIONS
            for one in refunded
            for state, share in tries
        ],
    )
