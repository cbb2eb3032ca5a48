"""The world as Solidus 4.7 stores it: Spree's tables of old, and since then other ways.

Names and types of tables and columns are those that its migrations make on PostgreSQL;
columns that nothing here fills are left out. One shop has its plug-in's accounts and the
promotions of old, one has the host application's accounts and the promotions of now.
"""

from __future__ import annotations

from json import dumps
from typing import Literal

from tests.integration.databases import Database
from tests.integration.shops.solidus_goods import GOODS, load_goods
from tests.integration.shops.spree_money import MONEY, STAFF, addresses, load_money
from tests.integration.shops.world import ACCOUNTS, CONSENTS, ORDERS, Account, spelled

Layout = Literal["spree_users", "users"]

_TABLES = """
CREATE TABLE spree_countries (id serial PRIMARY KEY, iso varchar, name varchar);
CREATE TABLE spree_states (id serial PRIMARY KEY, name varchar, abbr varchar, country_id integer);
CREATE TABLE spree_addresses (
  id serial PRIMARY KEY, firstname varchar, lastname varchar, name varchar, city varchar,
  zipcode varchar, phone varchar, state_name varchar, state_id integer, country_id integer);
CREATE TABLE spree_user_addresses (
  id serial PRIMARY KEY, user_id integer NOT NULL, address_id integer NOT NULL,
  "default" boolean DEFAULT false, default_billing boolean DEFAULT false,
  updated_at timestamp(6) NOT NULL);
CREATE TABLE spree_roles (id serial PRIMARY KEY, name varchar UNIQUE);
CREATE TABLE spree_roles_users (id serial PRIMARY KEY, role_id integer, user_id integer);
CREATE TABLE {users} (
  id serial PRIMARY KEY, email varchar, customer_metadata jsonb DEFAULT '{{}}',
  admin_metadata jsonb DEFAULT '{{}}', created_at timestamp(6) NOT NULL)
"""
_DELETED = "ALTER TABLE spree_users ADD COLUMN deleted_at timestamp"  # the plug-in's
_COUNTRIES = {"NL": 1, "BE": 2, "DE": 3}
_WORDS = {"granted": True, "denied": False, "pending": "pending"}


def load_solidus(database: Database, *, layout: Layout) -> None:
    """Both stores; in the host application's table a deleted account has no row any more."""
    tables = ";".join((_TABLES.format(users=layout), GOODS, _of_integers(MONEY)))
    database.execute(*tables.split(";"))
    if layout == "spree_users":
        database.execute(_DELETED)
    _load_addresses(database)
    _load_users(database, layout)
    database.load("spree_roles", ("id", "name"), [(1, "admin"), (2, "wholesale")])
    database.load("spree_roles_users", ("role_id", "user_id"), [(1, STAFF), (2, 11)])
    load_money(database)
    _load_words(database)
    load_goods(database, of_old=layout == "spree_users")


def _of_integers(tables: str) -> str:
    """As migrations of that age number rows, and with metadata by Solidus' names."""
    tables = tables.replace("bigint", "integer").replace("bigserial", "serial")
    return tables.replace("public_", "customer_").replace("private_", "admin_")


def _load_addresses(database: Database) -> None:
    """A name is one text since 3.0; what is left of the former two is not looked at.

    Everyone has a newer address at which they had something delivered.
    """
    countries = [(number, iso, iso) for iso, number in _COUNTRIES.items()]
    database.load("spree_countries", ("id", "iso", "name"), countries)
    database.load(
        "spree_addresses",
        ("id", "firstname", "lastname", "name", "zipcode", "country_id"),
        [
            *(
                (each.number, "Old", "Name", f"{each.first_name} J", "1", _COUNTRIES[each.country])
                for each in ACCOUNTS
            ),
            (STAFF, None, None, "Somebody Else", "9", _COUNTRIES["DE"]),
            *((number, None, None, f"{a} {b}", "1", 1) for number, a, b in addresses()),
        ],
    )
    names = ("user_id", "address_id", '"default"', "default_billing", "updated_at")
    kept = [(each.number, each.number, False, True, "2025-01-01") for each in ACCOUNTS]
    last = [(each.number, STAFF, True, False, "2026-01-01") for each in ACCOUNTS]
    database.load("spree_user_addresses", names, [*kept, *last])


def _load_users(database: Database, layout: Layout) -> None:
    """A deleted account's e-mail is scrambled by the plug-in, and its orders keep its number."""
    names = ("id", "email", "created_at", "customer_metadata")
    staff = (STAFF, "staff@example.com", "2024-01-01", "{}")
    if layout == "users":
        kept = [each for each in ACCOUNTS if not each.deleted]
        database.load("users", names, [*map(_user, kept), staff])
        return
    database.load(
        "spree_users",
        (*names, "deleted_at"),
        [
            *((*_user(each), "2026-01-01" if each.deleted else None) for each in ACCOUNTS),
            (*staff, None),
        ],
    )


def _load_words(database: Database) -> None:
    """Of guests, with their orders: what was said with the latest counts."""
    granted = {each.email.lower() for each in CONSENTS if each.word == "granted"}
    for order in ORDERS:
        mail = order.email.strip().lower()
        if order.account is None and mail in granted:
            latest = max(each.number for each in ORDERS if each.email.strip().lower() == mail)
            words = dumps({"newsletter": order.number == latest})
            database.execute(
                f"UPDATE spree_orders SET customer_metadata = '{words}' WHERE id = {order.number}"
            )


def _user(account: Account) -> tuple[object, ...]:
    mail = f"00000000-0000-4000-8000-{account.number:012}@example.net"
    said = {each.account: _WORDS[each.word] for each in CONSENTS}
    words = {"newsletter": said[account.number]} if account.number in said else {}
    return (
        *(account.number, mail if account.deleted else account.email),
        *(spelled(account.registered_at), dumps(words)),
    )
