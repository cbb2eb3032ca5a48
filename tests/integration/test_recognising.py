"""init knows a shop system by its tables, wherever they are, and says what that means now."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from sqlalchemy import make_url

from syncd.cli import finding
from syncd.cli.beginning import written
from syncd.errors import ShopError
from syncd.model import SegmentQuery
from syncd.settings import forms, load
from syncd.shop import open_shop
from syncd.shop.recognising import Found, recognise
from syncd.shop.systems import SYSTEMS
from tests.integration.commands import Answer, here
from tests.integration.databases import (
    DIALECTS,
    Database,
    Dialect,
    MakeDatabase,
    create_canonical,
)
from tests.integration.shop_systems import SHOPS, Shop

COLUMNS = ("customer_key", "email", "phone", "first_name", "last_name", "country", "postcode")
CASES = [(name, dialect) for name, shop in SHOPS.items() for dialect in sorted({"sqlite", shop.at})]


def made(make_database: MakeDatabase, shop: Shop, dialect: Dialect) -> Database:
    database = make_database(dialect)
    quote = "`" if dialect == "mysql" else '"'
    database.execute(*shop.statements(shop.prefix, quote))
    return database


def found_in(database: Database) -> Found:
    found = recognise(database.url, None)
    assert found is not None
    return found


def members(database: Database, sql: str) -> list[dict[str, str | None]]:
    shop = open_shop(database.url, None, timezone="UTC")
    with shop.read(SegmentQuery("newsletter", sql, {}, "newsletter.sql")) as read:
        rows = [row for batch in read for row in batch.to_pylist()]
        assert read.seal() == len(rows)
    return rows


def test_every_system_has_a_shop_here() -> None:
    assert {shop.name for shop in SHOPS.values()} | {"canonical"} == set(forms.SCHEMAS)
    assert {one.name for one in SYSTEMS} == set(forms.SCHEMAS)


@pytest.mark.parametrize(("name", "dialect"), CASES)
def test_a_system_is_known_by_its_tables_and_its_example_reads_them(
    make_database: MakeDatabase, name: str, dialect: Dialect
) -> None:
    shop = SHOPS[name]
    database = made(make_database, shop, dialect)
    found = found_in(database)
    assert (found.system.name, found.prefix, found.layout) == (shop.name, shop.prefix, shop.layout)
    assert (found.timezone, found.country) == (shop.timezone, shop.country)
    assert bool(found.example) != finding.served(found), "an example where nothing else reads it"
    if found.example:
        (one,) = members(database, found.example)
        assert tuple(one.get(name) for name in COLUMNS[: len(shop.fields)]) == shop.fields


@pytest.mark.parametrize("dialect", DIALECTS)
def test_canonical_tables_come_before_what_lies_beside_them(
    make_database: MakeDatabase, dialect: Dialect
) -> None:
    """Views of the canonical model over a shop system are what is to be read."""
    database = make_database(dialect)
    assert recognise(database.url, None) is None
    database.execute("CREATE TABLE customers (id INTEGER)", "CREATE TABLE orders (id INTEGER)")
    assert recognise(database.url, None) is None, "names alone are not enough"
    database.execute("DROP TABLE customers", "DROP TABLE orders")
    create_canonical(database)
    database.execute(*SHOPS["magento"].statements("m2_", ""))
    assert found_in(database).system.name == "canonical"


def test_sites_of_a_network_are_told_and_the_main_one_is_taken(make_database: MakeDatabase) -> None:
    database = made(make_database, SHOPS["woocommerce"], "mysql")
    site = {key: SHOPS["woocommerce"].tables[key] for key in ("options", "posts")}
    site["woocommerce_order_items"] = "order_item_id INTEGER"
    database.execute(*(f"CREATE TABLE wp_2_{name} ({cells})" for name, cells in site.items()))
    found = found_in(database)
    assert (found.prefix, found.others) == ("wp_", ("wp_2_",))
    database.execute(
        "UPDATE wp_options SET option_value = 'Mars/Olympus' WHERE option_name = 'timezone_string'",
        "DELETE FROM wp_options WHERE option_value = 'yes'",
    )
    found = found_in(database)
    assert (found.timezone, found.layout) == ("", "posts")


def test_a_copy_in_a_schema_of_its_own_is_found(make_database: MakeDatabase) -> None:
    database = make_database("postgresql")
    login = make_url(database.url).username
    statements = SHOPS["shopify"].statements("", '"')
    named = [re.sub(r'(TABLE|INTO) "', r'\1 shopify."', each) for each in statements]
    database.execute("CREATE SCHEMA shopify", *named)
    database.execute(
        f"GRANT USAGE ON SCHEMA shopify TO {login}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA shopify TO {login}",
    )
    found = found_in(database)
    assert (found.system.name, found.prefix) == ("shopify", "shopify.")
    assert found.timezone == "America/New_York"


def test_a_shop_that_is_not_there_is_an_error_without_its_address() -> None:
    with pytest.raises(ShopError) as error:
        recognise("postgresql://nobody@127.0.0.1:1/shop", "hunter2")
    assert "hunter2" not in str(error.value)


# --- what init makes of it --------------------------------------------------------------


def begun(database: Database, config: Path) -> Answer:
    """`syncd init` for this shop, its password in the file where it is looked for."""
    url = make_url(database.url)
    config.parent.mkdir(exist_ok=True)
    password = config.parent / "shop_password"
    password.write_text(url.password or "none", "utf-8")
    password.chmod(0o600)
    shop = url._replace(password=None).render_as_string()
    return here("init", "--shop-url", shop, "--connector", "memory", config=config)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "config" / "syncd.yaml"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_shop_that_is_read_gets_a_shipped_segment_and_a_green_doctor(
    make_database: MakeDatabase, config: Path, dialect: Dialect
) -> None:
    database = make_database(dialect)
    create_canonical(database)
    answer = begun(database, config)
    assert answer.code == 0, answer.said
    assert "found the canonical tables: shipped segments read it" in answer.out
    assert "next: write segments" not in answer.out
    assert " bad " not in answer.out
    settings = load(config, {})
    assert settings.shop.schema_ == "canonical"
    assert settings.segments["newsletter_subscribers"].use == "newsletter_subscribers"
    assert here("doctor", config=config).code == 0
    assert here("segments", "preview", "newsletter_subscribers", config=config).code == 0


def test_a_shop_that_is_not_mapped_gets_a_segment_of_its_own_and_the_truth(
    make_database: MakeDatabase, config: Path
) -> None:
    database = made(make_database, SHOPS["spree6"], "postgresql")
    answer = begun(database, config)
    assert answer.code == 0, answer.said
    assert "found Spree 6: its tables are not mapped onto the catalogue's yet" in answer.out
    assert "wrote segments/newsletter.sql beside it" in answer.out
    assert " bad " not in answer.out
    settings = load(config, {})
    assert settings.shop.schema_ == "canonical", "as if nothing was said: own SQL needs none"
    assert here("doctor", config=config).code == 0
    preview = here("segments", "preview", "newsletter", config=config)
    assert (preview.code, preview.err) == (0, "")

    mine = config.parent / "segments" / "newsletter.sql"
    mine.write_text("SELECT 1 AS customer_key", "utf-8")
    config.unlink()
    again = begun(database, config)
    assert again.code == 0
    assert mine.read_text("utf-8") == "SELECT 1 AS customer_key", "what a person wrote stays"


def test_zone_and_country_of_the_shop_are_taken_unless_others_are_said(
    make_database: MakeDatabase, config: Path
) -> None:
    database = made(make_database, SHOPS["woocommerce"], "mysql")
    answer = begun(database, config)
    assert "its settings say Europe/Amsterdam, US" in answer.out
    shop = load(config, {}).shop
    assert (shop.timezone, shop.default_country) == ("Europe/Amsterdam", "US")
    said = dict.fromkeys(("shop_url", "account_id", "segment"), "x") | {"connector": "memory"}
    found = found_in(database)
    text = written({**said, "timezone": "UTC", "country": "NL"}, found)
    lines = yaml.safe_load(text)["shop"]
    assert (lines["timezone"], lines["default_country"]) == ("UTC", "NL")
    served = {"schema": "woocommerce", "layout": "hpos", "prefix": "wp_"}
    assert served.items() <= lines.items() or "schema" not in lines


def test_a_shop_that_cannot_be_looked_at_stops_nothing(config: Path) -> None:
    answer = here("init", "--shop-url", "sqlite:///gone.db", "--connector", "memory", config=config)
    assert answer.code == 0
    assert "the shop was not looked at: the shop's database cannot be opened" in answer.out
    assert load(config, {}).segments["newsletter"].sql is not None
    assert not (config.parent / "segments").exists()
