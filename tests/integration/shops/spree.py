"""The world as Spree 5.6 stores it: carts and orders in one table, money by its payments.

Store 2 is a second store. Names and types of tables and columns are those that its migrations
make on PostgreSQL; columns that nothing here fills are left out. Accounts are in the table of
Spree's own class of users, as its plug-in for Devise keeps them, or in the host application's.
"""

from __future__ import annotations

from typing import Literal

from tests.integration.databases import Database
from tests.integration.shops.spree_goods import GOODS, load_goods
from tests.integration.shops.spree_money import MONEY, STAFF, addresses, load_money
from tests.integration.shops.world import ACCOUNTS, CONSENTS, STORE, Account, spelled

Layout = Literal["spree_users", "users"]

_TABLES = """
CREATE TABLE spree_stores (
  id bigint PRIMARY KEY, name varchar, code varchar, "default" boolean NOT NULL DEFAULT false,
  default_country_id bigint);
CREATE TABLE spree_countries (id bigint PRIMARY KEY, iso varchar NOT NULL, name varchar);
CREATE TABLE spree_states (id bigint PRIMARY KEY, name varchar, abbr varchar, country_id bigint);
CREATE TABLE spree_addresses (
  id bigint PRIMARY KEY, firstname varchar, lastname varchar, city varchar, zipcode varchar,
  phone varchar, state_name varchar, state_id bigint, country_id bigint, user_id bigint,
  deleted_at timestamp);
CREATE TABLE spree_roles (id bigint PRIMARY KEY, name varchar UNIQUE);
CREATE TABLE spree_role_users (role_id bigint, user_id bigint, user_type varchar NOT NULL);
CREATE TABLE spree_newsletter_subscribers (
  id bigserial PRIMARY KEY, email varchar NOT NULL, user_id bigint, verified_at timestamp(6),
  store_id bigint NOT NULL, UNIQUE (email, store_id));
CREATE TABLE {users} (
  id bigint PRIMARY KEY, email varchar, first_name varchar, last_name varchar, phone varchar,
  ship_address_id bigint, bill_address_id bigint, selected_locale varchar,
  accepts_email_marketing boolean NOT NULL DEFAULT false, public_metadata jsonb,
  private_metadata jsonb, created_at timestamp(6) NOT NULL)
"""
_DELETED = "ALTER TABLE spree_users ADD COLUMN deleted_at timestamp"  # the plug-in's
_COUNTRIES = {"NL": 1, "BE": 2}
_CLASSES = {"spree_users": "Spree::User", "users": "User"}


def create_spree(database: Database, layout: Layout) -> None:
    """The tables, empty."""
    tables = ";".join((_TABLES.format(users=layout), GOODS, MONEY))
    database.execute(*tables.split(";"))
    if layout == "spree_users":
        database.execute(_DELETED)


def load_spree(database: Database, *, layout: Layout) -> None:
    """Both stores; in the host application's table a deleted account has no row any more."""
    create_spree(database, layout)
    _load_places(database)
    _load_users(database, layout)
    _load_staff(database, _CLASSES[layout])
    _load_subscribers(database)
    load_money(database)
    load_goods(database)


def _load_places(database: Database) -> None:
    """Of shops, accounts and orders."""
    countries = [(number, iso, iso) for iso, number in _COUNTRIES.items()]
    database.load("spree_countries", ("id", "iso", "name"), countries)
    stores = [(STORE, "One", "one", True, 1), (2, "Two", "two", False, 1)]
    names = ("id", "name", "code", '"default"', "default_country_id")
    database.load("spree_stores", names, stores)
    database.load(
        "spree_addresses",
        ("id", "firstname", "lastname", "zipcode", "country_id", "user_id", "deleted_at"),
        [
            *(
                (
                    each.number,
                    each.first_name,
                    "J",
                    "1",
                    _COUNTRIES[each.country],
                    each.number,
                    None,
                )
                for each in ACCOUNTS
            ),
            *((number, *name, "1", 1, None, None) for number, *name in addresses()),
        ],
    )


def _load_users(database: Database, layout: Layout) -> None:
    """A deleted account's e-mail is scrambled by the plug-in, and its orders keep its number."""
    names = ("id", "email", "bill_address_id", "accepts_email_marketing", "created_at")
    kept = [each for each in ACCOUNTS if layout == "spree_users" or not each.deleted]
    database.load(
        layout,
        names,
        [
            *(
                (
                    *(each.number, _mail(each), each.number, _accepts(each)),
                    spelled(each.registered_at),
                )
                for each in kept
            ),
            (STAFF, "staff@example.com", None, False, "2024-01-01"),
        ],
    )
    if layout == "spree_users":
        database.execute(
            *(
                f"UPDATE spree_users SET deleted_at = '2026-01-01' WHERE id = {each.number}"
                for each in ACCOUNTS
                if each.deleted
            )
        )


def _load_staff(database: Database, of: str) -> None:
    """Anna has a role that says nothing of staff, and an administrator elsewhere her number."""
    database.load("spree_roles", ("id", "name"), [(1, "admin"), (2, "wholesale")])
    roles = [(1, STAFF, of), (2, 11, of), (1, 11, "Spree::AdminUser")]
    database.load("spree_role_users", ("role_id", "user_id", "user_type"), roles)


def _load_subscribers(database: Database) -> None:
    """E-mails are stored in lower case. Eva takes the other store's newsletter alone."""
    database.load(
        "spree_newsletter_subscribers",
        ("email", "user_id", "verified_at", "store_id"),
        [
            *(
                (
                    *(each.email.lower(), each.account),
                    None if each.word == "pending" else spelled(each.said_at),
                    each.store,
                )
                for each in CONSENTS
            ),
            ("eva@example.com", 15, "2026-01-01", 2),
        ],
    )


def _mail(account: Account) -> str:
    if account.deleted:
        return f"00000000-0000-4000-8000-{account.number:012}@example.net"
    return account.email


def _accepts(account: Account) -> bool:
    """As verification sets it; Quinn left, while she is subscribed in another place."""
    words = {each.account: each.word for each in CONSENTS}
    return account.number == 15 or words.get(account.number) == "granted"
