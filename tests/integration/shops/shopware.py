"""The world as Shopware 6.6 stores it: binary ids, a row a guest's checkout.

Store 2 is a second sales channel.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from tests.integration.databases import Database
from tests.integration.shops.shopware_goods import GOODS, load_categories, load_lines, load_products
from tests.integration.shops.shopware_keys import (
    NO_TIME,
    PLACE,
    SYSTEM_LANGUAGE,
    channel,
    key,
    place,
    state_id,
)
from tests.integration.shops.shopware_orders import load_orders
from tests.integration.shops.shopware_tables import ORDER_TABLES, PEOPLE
from tests.integration.shops.world import ACCOUNTS, CONSENTS, ORDERS, Account, Consent, at, spelled

_BLOCKED, _UNCONFIRMED = (
    Account(98, "blocked@example.com"),
    Account(99, "unconfirmed@example.com"),
)
_GERMAN = key("language", "de")
_SALUTATIONS = {"m": "mr", "f": "mrs", None: "not_specified"}
_WORDS = {"granted": "optIn", "denied": "optOut", "pending": "notSet"}
_ELSEWHERE = Consent(699, "anna@example.com", 11, "denied", at("2026-01-25 12:00:00"), store=2)


def create_shopware(database: Database) -> None:
    """Its tables, with countries, languages, currencies and states alone."""
    database.execute(*PEOPLE.split(";"), *ORDER_TABLES.split(";"), *GOODS.split(";"))
    _load_words(database)


def load_shopware(database: Database) -> None:
    """Both sales channels."""
    create_shopware(database)
    _load_customers(database)
    _load_newsletter(database)
    load_orders(database)
    load_products(database)
    load_categories(database)
    load_lines(database)


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
        (*names, *PLACE),
        [
            (
                *(key("address", one.number), key("customer", one.number)),
                *(key("country", one.country), one.first_name, "Jansen", *place(one.number)),
            )
            for one in (*accounts, _BLOCKED, _UNCONFIRMED, *_guests())
        ],
    )


def _registered(account: Account) -> bytes:
    """The channel where somebody did; Umar in the other than where he buys."""
    return bytes.fromhex(channel(2 if account.number == 31 else account.store))


def _guests() -> Iterator[Account]:
    """Each checkout of a guest makes its own."""
    for order in ORDERS:
        if order.account is None:
            yield Account(order.number, order.email, order.placed_at, order.store)


def _load_newsletter(database: Database) -> None:
    """Olga's was taken without asking back; who left had been confirmed first.

    Anna then left the other channel's, before hers of the first was touched again.
    """
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
            for one in (*CONSENTS, _ELSEWHERE)
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
