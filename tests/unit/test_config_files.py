"""Every file in config/ is what it says it is."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import jsonschema
import pytest
import yaml

from syncd import settings
from syncd.model import SEGMENT_COLUMNS, AudienceOption, Option
from syncd.settings.document import read

CONFIG = Path(__file__).parents[2] / "config"
YAMLS = sorted(CONFIG.glob("*.yaml"))
SCHEMA = json.loads((CONFIG / "syncd.schema.json").read_text(encoding="utf-8"))


def valid(data: object) -> bool:
    return not list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(data))


def test_every_file_in_config_is_of_a_kind_that_is_tested() -> None:
    """A new kind of file there needs a test here."""
    found = {each.suffix for each in CONFIG.rglob("*") if each.is_file()}
    assert found == {".yaml", ".json", ".sql", ".py", ".sh", ""}  # the last: Containerfile
    assert len(YAMLS) == 2


@pytest.mark.parametrize("path", YAMLS, ids=lambda path: path.name)
def test_a_shipped_configuration_loads(path: Path) -> None:
    found = settings.load(path, {})
    assert found.syncs
    for name in found.segments:
        file = found.sql_file(name)
        assert file is None or file.is_file()


@pytest.mark.parametrize("path", YAMLS, ids=lambda path: path.name)
def test_a_shipped_configuration_fits_the_schema(path: Path) -> None:
    assert valid(read(path).data)
    # An editor reads with its own YAML parser.
    assert valid(yaml.safe_load(path.read_text(encoding="utf-8")))
    assert path.read_text(encoding="utf-8").startswith(
        "# yaml-language-server: $schema=syncd.schema.json\n"
    )


def test_the_schema_is_current() -> None:
    """Made again by `syncd config schema > config/syncd.schema.json`."""
    assert settings.json_schema() == SCHEMA


def test_the_schema_describes_every_setting() -> None:
    shapes = [SCHEMA, *SCHEMA["$defs"].values()]
    bare = [
        f"{shape['title']}.{name}"
        for shape in shapes
        for name, setting in shape["properties"].items()
        if not setting.get("description") or not (setting.get("title") or "$ref" in setting)
    ]
    assert bare == []


def test_the_example_shows_every_setting() -> None:
    text = (CONFIG / "syncd.example.yaml").read_text(encoding="utf-8")
    names = {name for shape in SCHEMA["$defs"].values() for name in shape["properties"]}
    assert [name for name in sorted(names - {"name"}) if f"{name}:" not in text] == []


def test_the_example_states_the_defaults() -> None:
    """A sync that leaves a setting out acts as one that writes what the example calls default."""
    found = settings.load(CONFIG / "syncd.example.yaml", {})
    written, left_out = found.syncs["whales-meta"], found.syncs["newsletter-google"]
    same = ("mode", "identifiers", "consent", "guard", "settle", "poll", "max_unusable")
    assert [getattr(written, key) for key in same] == [getattr(left_out, key) for key in same]
    assert found.ledger.url == settings.LedgerSettings().url
    assert found.ledger.directory == settings.LedgerSettings().directory


@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": "mirorr"},
        {"schedule": "every day"},
        {"identifiers": []},
        {"settle": 48},
        {"guard": {"max_removd": 3}},
        {"max_unusable": "120 percent"},
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(wrong: dict[str, object]) -> None:
    data = read(CONFIG / "syncd.example.yaml").data
    assert isinstance(data, dict)
    assert valid(data)
    data["syncs"]["whales-meta"].update(wrong)
    assert not valid(data)


@pytest.mark.parametrize(("segment", "good"), [("whales", False), ("newsletter", True)])
def test_the_schema_takes_digests_of_own_segments_only(segment: str, *, good: bool) -> None:
    data = read(CONFIG / "syncd.example.yaml").data
    assert isinstance(data, dict)
    data["segments"][segment]["prehashed"] = True
    assert valid(data) is good


def test_the_example_segment_follows_the_latest_word() -> None:
    """Who took the newsletter back, or was deleted, is not in it."""
    shop = sqlite3.connect(":memory:")
    shop.executescript(
        """
        CREATE TABLE customers (customer_key TEXT, email TEXT, phone TEXT, first_name TEXT,
            last_name TEXT, country TEXT, postcode TEXT, deleted BOOLEAN);
        CREATE TABLE consents (customer_key TEXT, channel TEXT, state TEXT, changed_at TEXT);
        INSERT INTO customers (customer_key, deleted)
            VALUES ('c:1', 0), ('c:2', 0), ('c:3', 1), ('c:4', 0);
        INSERT INTO consents VALUES
            ('c:1', 'email', 'denied', '2026-01-01'), ('c:1', 'email', 'granted', '2026-02-01'),
            ('c:1', 'ads', 'granted', '2026-01-01'), ('c:1', 'ads', 'denied', '2026-02-01'),
            ('c:2', 'email', 'granted', '2026-01-01'), ('c:2', 'email', 'denied', '2026-02-01'),
            ('c:3', 'email', 'granted', '2026-01-01'),
            ('c:4', 'email', 'granted', '2026-01-01'), ('c:4', 'ads', 'pending', '2026-01-01');
        """
    )
    answer = shop.execute((CONFIG / "segments" / "newsletter.sql").read_text(encoding="utf-8"))
    columns = [each[0] for each in answer.description]
    rows = [dict(zip(columns, row, strict=True)) for row in answer]
    shop.close()

    assert set(columns) <= set(SEGMENT_COLUMNS)
    assert {row["customer_key"]: row["ad_consent"] for row in rows} == {
        "c:1": "denied",
        "c:4": "unknown",
    }


class Stand:
    """A platform as far as a configuration is checked against it."""

    def __init__(self, *options: Option, made_with: tuple[AudienceOption, ...] = ()) -> None:
        self.options = options
        self.audience_options = made_with


def test_the_example_accounts_are_what_the_connectors_take() -> None:
    """As the design has them; the connectors' own tests say the same of the real ones."""
    meta = Stand(
        Option("account_id", "the ad account, act_..."),
        Option("access_token", "a system user's token", secret=True),
        Option("app_secret", "the app's secret", required=False, secret=True),
    )
    google = Stand(
        Option("customer_id", "ten digits"),
        Option("login_customer_id", "the manager account", required=False),
        Option("credentials", "a service account's key", secret=True),
    )
    for path in YAMLS:
        settings.check_accounts(settings.load(path, {}), {"meta": meta, "google": google})
