"""Whether the shop's login may only read: tried on real databases, and nothing is left."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import create_engine, inspect
from sqlalchemy.pool import NullPool

from syncd.errors import ShopError
from syncd.shop.rights import standing
from tests.integration.databases import DIALECTS, Database, Dialect, MakeDatabase, create_canonical


@pytest.fixture(scope="module", params=DIALECTS)
def database(request: pytest.FixtureRequest, make_database: MakeDatabase) -> Database:
    dialect: Dialect = request.param
    made = make_database(dialect)
    create_canonical(made)
    made.execute("INSERT INTO customers (customer_key) VALUES ('c:1')")
    if dialect == "postgresql":  # what PUBLIC has before version 15
        made.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    return made


def kept(database: Database) -> tuple[list[str], int]:
    """Tables, and customers."""
    engine = create_engine(database.owner, poolclass=NullPool)
    with engine.connect() as connection:
        count = connection.exec_driver_sql("SELECT count(*) FROM customers").scalar_one()
        return sorted(inspect(connection).get_table_names()), count


def test_a_login_that_may_only_read(database: Database) -> None:
    before = kept(database)
    found = standing(database.url, None)
    assert found.writes == ()
    assert found.title.split()[1][0].isdigit()
    if database.dialect != "sqlite":
        assert found.now is not None
        assert abs(found.now - datetime.now(UTC)) < timedelta(minutes=1)
        assert not found.file
    assert kept(database) == before


def test_an_owner_is_seen_and_leaves_nothing(database: Database) -> None:
    if database.dialect == "sqlite":
        assert standing(database.owner, None).file
        return
    before = kept(database)
    assert standing(database.owner, None).writes
    assert kept(database) == before


@pytest.mark.parametrize("right", ["INSERT", "DELETE"])
def test_one_right_too_much_is_seen(database: Database, right: str) -> None:
    """On one table among four."""
    if database.dialect == "sqlite":
        pytest.skip("SQLite has no logins")
    login = create_engine(database.url).url.username
    who = f"'{login}'@'%%'" if database.dialect == "mysql" else str(login)
    database.execute(f"GRANT {right} ON orders TO {who}")
    found = standing(database.url, None)
    database.execute(f"REVOKE {right} ON orders FROM {who}")
    assert "orders" in "".join(found.writes)
    assert standing(database.url, None).writes == ()


def test_what_cannot_be_reached_says_so(database: Database) -> None:
    away = replace(database, url=str(database.url)[:-3] + "xyz")
    with pytest.raises(ShopError, match="the shop's database"):
        standing(away.url, None)
