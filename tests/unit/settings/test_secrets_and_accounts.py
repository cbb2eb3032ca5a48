"""References, accounts against their connectors, and the digest of a configuration."""
# ruff: noqa: E501  # tables of slips and what is said of them read best a case a line

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from syncd import settings
from syncd.errors import ConfigError
from syncd.settings import values
from tests.unit.settings.configurations import GOOD, INLINE, PLATFORMS, Load, Refusal

# --- secrets -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{file: shop_password}", INLINE),
        ("{file: shop_password}", "{file: ok, value: " + INLINE + "}"),
        ("syncd_ro@db", f"syncd_ro:{INLINE}@db"),
        ("syncd_ro@db/shop", f"syncd_ro:{INLINE}/?@x@db/shop"),
        ("@db/shop", f"@db/shop?sslmode=require&password={INLINE}"),
        ("@db/shop", "@db/shop?PWD=${INLINE}"),
        ("postgresql+psycopg://syncd_ro@db/shop", "${INLINE_URL}"),
        ("ledger:", f"ledger: {{key: {INLINE}}}"),
        ("ledger:", f'ledger: {{url: "postgresql://u:{INLINE}@h/l"}}'),
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_repeated(
    refusal: Refusal, old: str, new: str
) -> None:
    environment = {"INLINE": INLINE, "INLINE_URL": f"postgresql://u:{INLINE}@db/shop"}
    assert old in GOOD
    assert refusal(GOOD.replace(old, new, 1), **environment)


def test_a_reference_shows_nothing(load: Load) -> None:
    found = load(META_TOKEN=INLINE)

    assert repr(found.shop.password) == str(found.shop.password) == "***"
    assert INLINE not in repr(found)
    assert INLINE not in repr(settings.resolve_account(found, "meta-eu"))


def test_a_token_in_the_file_does_not_show_before_it_is_refused(load: Load) -> None:
    """Which options are secrets is known only once the connector is asked."""
    found = load(GOOD.replace('"${META_TOKEN}"', INLINE))

    assert INLINE not in repr(found)
    with pytest.raises(ConfigError, match=r"use \{file: NAME\}") as caught:
        settings.check_accounts(found, PLATFORMS)
    assert INLINE not in str(caught.value)


def test_a_secret_is_read_only_at_use(load: Load, tmp_path: Path) -> None:
    found = load()

    with pytest.raises(ConfigError, match="shop_password") as caught:
        settings.shop_password(found)
    assert caught.value.where == f"{tmp_path}/syncd.yaml:4"

    (tmp_path / "shop_password").write_text(f"{INLINE}\n")
    assert settings.shop_password(found) == INLINE


def test_systemds_credential_comes_first(load: Load, tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (tmp_path / "shop_password").write_text("beside")
    found = load(CREDENTIALS_DIRECTORY=str(credentials))

    assert settings.shop_password(found) == "beside"
    (credentials / "shop_password").write_text("credential")
    assert settings.shop_password(found) == "credential"


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe"])
def test_a_secret_file_without_a_secret_is_refused(
    load: Load, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "shop_password").write_bytes(content)

    with pytest.raises(ConfigError, match=r"shop_password (is not set or empty|is not UTF-8)"):
        settings.shop_password(load())


def test_an_unset_variable_is_named(load: Load) -> None:
    with pytest.raises(ConfigError, match=r":8: \$\{META_TOKEN\} is not set or empty"):
        settings.resolve_account(load(), "meta-eu")


def test_an_account_comes_with_its_references_resolved(load: Load) -> None:
    text = GOOD.replace("account_id: 0123", 'account_id: "act_${N}", endpoint: "http://[::1]:80/x"')

    found = settings.resolve_account(load(text, META_TOKEN=INLINE, N="9"), "meta-eu")

    assert found.connector == "meta"
    assert found.endpoint == "http://[::1]:80/x"
    assert found.options == {"account_id": "act_9", "access_token": INLINE}


def test_what_needs_no_secret_has_none(load: Load) -> None:
    found = load(GOOD.replace("  password: {file: shop_password}\n", ""))

    assert settings.shop_password(found) is None
    assert settings.ledger_password(found) is None
    assert settings.ledger_key(found) is None


def test_a_secret_file_that_others_may_read_is_warned_of(load: Load, tmp_path: Path) -> None:
    file = tmp_path / "shop_password"
    file.write_text(INLINE)
    found = load(GOOD.replace("ledger:", "ledger: {key: {file: k}}"))

    file.chmod(stat.S_IRUSR | stat.S_IRGRP)
    [warning] = settings.warnings(found)
    assert warning.startswith(f"{tmp_path}/syncd.yaml:4: shop.password: others")
    file.chmod(stat.S_IRUSR)
    assert settings.warnings(found) == ()


def test_a_key_beside_its_files_is_warned_of(load: Load) -> None:
    assert any("ledger.key" in each for each in settings.warnings(load()))


# --- accounts ----------------------------------------------------------------


def account_problems(load: Load, account: str) -> list[str]:
    found = load(re.sub(r"meta-eu: \{.*\}", f"meta-eu: {account}", GOOD))
    try:
        settings.check_accounts(found, PLATFORMS)
    except ConfigError as error:
        return [line.partition("syncd.yaml")[2] for line in str(error).splitlines()]
    return []


@pytest.mark.parametrize(
    ("account", "problems"),
    [
        ("{connector: meta, account_id: a, access_token: {file: t}}", []),
        ("{connector: mata}", [":8: accounts.meta-eu.connector: no connector mata; did you mean meta?"]),
        (
            "{connector: meta, acount_id: a, app_secret: {file: t}}",
            [
                ":8: accounts.meta-eu.acount_id: unknown key; did you mean account_id?",
                ":8: accounts.meta-eu: access_token is missing: a system user's token",
                ":8: accounts.meta-eu: account_id is missing: the ad account, act_...",
            ],
        ),
        ('{connector: google, customer_id: 1, credentials: {file: k}, endpoint: "ads.example.com:443"}', []),
        ('{connector: google, customer_id: 1, credentials: anonymous, endpoint: "127.0.0.1:90"}', []),
        ('{connector: google, customer_id: 1, credentials: anonymous, endpoint: "[::1]:90"}', []),
    ],
)  # fmt: skip
def test_an_account_is_checked_against_its_connector(
    load: Load, account: str, problems: list[str]
) -> None:
    assert account_problems(load, account) == problems


@pytest.mark.parametrize(
    "rest",
    [
        "credentials: anonymous",
        'credentials: anonymous, endpoint: "ads.example.com:443"',
        'credentials: anonymous, endpoint: "localhost.example.com:443"',
        'credentials: anonymus, endpoint: "127.0.0.1:90"',
        'credentials: 12345, endpoint: "127.0.0.1:90"',
        'credentials: "x${KEY}"',
    ],
)  # fmt: skip
def test_a_literal_secret_stands_on_loopback_only(load: Load, rest: str) -> None:
    [problem] = account_problems(load, f"{{connector: google, customer_id: 1, {rest}}}")
    assert "anonymous only with an endpoint on this machine" in problem


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://127.0.0.1:8080",
        "http://localhost:8080/v1",
        "https://proxy.example.com",
        "127.8.8.8:9090",
        "ads.example.com:443",
    ],
)
def test_an_endpoint_may_be(endpoint: str) -> None:
    assert values.parse_endpoint(endpoint) == endpoint


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://example.com",
        "http://127.0.0.1.example.com",
        "http://localhost@example.com",
        "http://example.com#@localhost",
        "https://user:pw@example.com",
        "ftp://localhost",
        "localhost",
        "localhost:port",
        "localhost:99999",
        "https://exa mple.com",
        "",
        80,
    ],
)
def test_an_endpoint_may_not_be(endpoint: object) -> None:
    with pytest.raises(ValueError, match=r"must|may hold|plain http"):
        values.parse_endpoint(endpoint)


# --- the digest --------------------------------------------------------------


def digest(found: settings.Settings, sync: str = "whales-meta", sql: str = "s") -> str:
    return settings.configuration_digest(found, sync, sql_digest=sql)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("default_country: NO", "default_country: SE"),
        ("default_country: NO", "timezone: Europe/Oslo"),
        ("share: 0.8", "share: 0.7"),
        ("0123", "0124"),
        ("audience: Whales", "audience: Orcas"),
        ("Whales}", "Whales, mode: add}"),
        ("Whales}", "Whales, consent: granted}"),
        ("Whales}", "Whales, identifiers: [email]}"),
        ("Whales}", "Whales, guard: {max_removed: 31%}}"),
        ("Whales}", "Whales, settle: 1h}"),
    ],
)
def test_what_shapes_a_plan_changes_the_digest(load: Load, old: str, new: str) -> None:
    assert old in GOOD
    assert digest(load()) != digest(load(GOOD.replace(old, new, 1)))
    assert digest(load(), sql="s") != digest(load(), sql="t")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{file: shop_password}", "{file: other}"),
        ("Whales}", "Whales, schedule: every 6h, poll: 5m, max_unusable: 1%}"),
        ("Whales}", "Whales, mode: mirror, identifiers: [address, phone, email]}"),
        ("meta-eu", "meta-europe"),
        ("whales:", "# a comment\n  whales:"),
    ],
)
def test_what_does_not_shape_a_plan_leaves_the_digest(load: Load, old: str, new: str) -> None:
    assert old in GOOD
    assert digest(load()) == digest(load(GOOD.replace(old, new)))


def test_digests_of_the_shops_own_change_the_digest_and_raw_values_said_aloud_do_not(
    load: Load,
) -> None:
    plain = digest(load(), "letter-meta")
    for said, same in (("false", True), ("true", False)):
        text = GOOD.replace("newsletter.sql}", f"newsletter.sql, prehashed: {said}}}", 1)
        assert (digest(load(text), "letter-meta") == plain) is same


def test_renaming_a_sync_leaves_the_digest(load: Load) -> None:
    """DESIGN 5, promise 7: renaming a sync changes nothing."""
    renamed = load(GOOD.replace("whales-meta", "big-spenders"))
    assert digest(load()) == digest(renamed, "big-spenders")


def test_the_digest_is_the_same_on_every_machine(load: Load) -> None:
    """A changed form makes every waiting plan stale, so it is changed on purpose only."""
    assert digest(load()) == ("efa1bad8d8d49d20a15a7639a1af4789e51a786befcf456681ef7c170d79c469")
