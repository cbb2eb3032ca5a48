"""From YAML to settings: what is taken, what is refused, and in which words."""
# ruff: noqa: E501  # tables of slips and what is said of them read best a case a line

from __future__ import annotations

import re
import stat
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd import settings
from syncd.errors import ConfigError
from syncd.model import Guard, IdentifierKind, Option, Timing
from syncd.settings import values
from syncd.settings.document import read

GOOD = """
shop:
  url: postgresql+psycopg://syncd_ro@db/shop
  password: {file: shop_password}
  default_country: NO
ledger:
accounts:
  meta-eu: {connector: meta, account_id: 0123, access_token: "${META_TOKEN}"}
segments:
  whales: {use: whales, with: {share: 0.8}}
  newsletter: {sql: segments/newsletter.sql}
syncs:
  whales-meta: {segment: whales, account: meta-eu, audience: Whales}
  letter-meta: {segment: newsletter, account: meta-eu, audience: {id: "12"}}
"""

INLINE = "hunter2-very-secret"

Load = Callable[..., settings.Settings]


class Stand:
    """A platform as far as a configuration is checked against it."""

    def __init__(self, *options: Option) -> None:
        self.options = options


PLATFORMS = {
    "meta": Stand(
        Option("account_id", "the ad account, act_..."),
        Option("access_token", "a system user's token", secret=True),
        Option("app_secret", "the app's secret", required=False, secret=True),
    ),
    "google": Stand(
        Option("customer_id", "ten digits"),
        Option("credentials", "a key", secret=True, on_loopback_only=("anonymous",)),
    ),
}


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def load(text: str = GOOD, **environment: str) -> settings.Settings:
        path = tmp_path / "syncd.yaml"
        path.write_text(text, encoding="utf-8")
        return settings.load(path, environment)

    return load


@pytest.fixture
def refusal(load: Load, tmp_path: Path) -> Callable[..., list[str]]:
    """Load what must not load, and give the lines of the error without the folder's name."""

    def refusal(text: str, **environment: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            load(text, **environment)
        assert caught.value.exit_code == 78
        assert caught.value.where.startswith(str(tmp_path / "syncd.yaml"))
        assert INLINE not in str(caught.value)
        return str(caught.value).replace(f"{tmp_path}/", "").splitlines()

    return refusal


Refusal = Callable[..., list[str]]


# --- what is taken -----------------------------------------------------------


def test_a_sync_that_says_little_gets_the_defaults(load: Load) -> None:
    found = load().syncs["whales-meta"]

    assert found.mode == "mirror"
    assert found.schedule == settings.Manual()
    assert found.identifiers == tuple(IdentifierKind)
    assert found.consent == "not_denied"
    assert found.guard.as_guard() == Guard()
    assert found.timing == Timing()
    assert found.max_unusable == 0.2


def test_a_sync_that_says_all_is_taken_at_its_word(load: Load) -> None:
    text = GOOD + (
        "  all: {segment: whales, account: meta-eu, audience: All, mode: add, schedule: every 6h,\n"
        "    identifiers: [phone, email], consent: granted, settle: 7d, poll: 90s,\n"
        "    guard: {max_removed: 12.5%, max_removed_count: 500, min_members: 0},\n"
        "    max_unusable: 0.5}\n"
    )

    found = load(text).syncs["all"]

    assert found.schedule == settings.Every(timedelta(hours=6))
    assert found.identifiers == (IdentifierKind.PHONE, IdentifierKind.EMAIL)
    assert found.guard.as_guard() == Guard(0.125, 500, 0)
    assert found.timing == Timing(settle=timedelta(days=7), poll=timedelta(seconds=90))
    assert (found.mode, found.consent, found.max_unusable) == ("add", "granted", 0.5)


def test_yaml_means_what_it_looks_like(load: Load) -> None:
    """Norway is not false, an account number not octal, and `ledger:` alone not an error."""
    found = load()

    assert found.shop.default_country == "NO"
    assert found.accounts["meta-eu"].options["account_id"] == "0123"
    assert found.ledger.url == "sqlite:///var/ledger.db"


def test_the_environment_fills_in_plain_texts(load: Load) -> None:
    text = GOOD.replace("@db/shop", "@${DB_HOST}/$${x}")

    assert load(text, DB_HOST="db7").shop.url == "postgresql+psycopg://syncd_ro@db7/${x}"


def test_own_sql_lies_beside_the_configuration(load: Load, tmp_path: Path) -> None:
    found = load()

    assert found.sql_file("newsletter") == tmp_path / "segments/newsletter.sql"
    assert found.sql_file("whales") is None


def test_anchors_save_typing(load: Load) -> None:
    text = GOOD.replace("audience: Whales}", "audience: Whales, guard: &g {min_members: 7}}")
    text = text.replace('{id: "12"}}', '{id: "12"}, guard: *g}')

    assert {each.guard.min_members for each in load(text).syncs.values()} == {7}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("manual", settings.Manual()),
        ("every 90m", settings.Every(timedelta(minutes=90))),
        ({"after": "x"}, settings.After("x")),
        ({"cron": "0 3 * * mon"}, settings.Cron("0 3 * * mon")),
        ({"cron": "*/5 0-6,22 1 JAN mon-fri"}, settings.Cron("*/5 0-6,22 1 jan mon-fri")),
    ],
)
def test_a_schedule_is_read(written: object, meant: settings.Schedule) -> None:
    assert values.parse_schedule(written) == meant


@pytest.mark.parametrize(
    ("cron", "why"),
    [
        ("0 3 * *", "5 fields"),
        ("0 3 * * 1", "name the weekdays"),
        ("60 3 * * *", "minute must be from 0 to 59"),
        ("0 24 * * *", "hour must be from 0 to 23"),
        ("0 0 0 * *", "day must be from 1 to 31"),
        ("0 0 * foo *", "month must be from 1 to 12"),
        ("*/0 * * * *", "step"),
        ("9-5 * * * *", "upwards"),
        ("1-2-3 * * * *", "upwards"),
        (", * * * *", "minute must be"),
    ],
)
def test_a_cron_expression_that_cannot_fire_is_refused(cron: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        values.parse_schedule({"cron": cron})


@pytest.mark.parametrize(
    "written",
    [
        "every",
        "every 0m",
        "every 10s",
        "hourly",
        6,
        None,
        {},
        {"cron": 5},
        {"after": "x", "cron": "y"},
    ],
)
def test_a_schedule_that_says_nothing_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match=r"must|unknown"):
        values.parse_schedule(written)


@given(st.integers(0, 100))
def test_a_share_reads_the_same_in_both_forms(percent: int) -> None:
    assert values.parse_percent(f"{percent}%") == values.parse_percent(percent / 100)


@pytest.mark.parametrize("written", ["30", 30, "101%", -0.1, 1.1, True, None, "%", "٣٠%"])
def test_what_is_no_share_is_refused(written: object) -> None:
    """30 is not guessed to be 30 %."""
    with pytest.raises(ValueError, match="share"):
        values.parse_percent(written)


@pytest.mark.parametrize("written", [48, "48", "h", "1.5h", "-1h", "1h30m", "9999999d", None])
def test_what_is_no_duration_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="duration"):
        values.parse_duration(written)


# --- what is refused ---------------------------------------------------------


def test_a_missing_configuration_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="syncd init"):
        settings.load(tmp_path / "none.yaml", {})


def test_the_environment_names_the_configuration(tmp_path: Path) -> None:
    assert settings.find(None, {}) == Path("config/syncd.yaml")
    assert settings.find(None, {"SYNCD_CONFIG": "/a.yaml"}) == Path("/a.yaml")
    assert settings.find(tmp_path, {"SYNCD_CONFIG": "/a.yaml"}) == tmp_path


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("# nothing\n", "is empty"),
        ("- a\n", "the file: must be a mapping"),
        ("shop:\n\turl: x\n", "syncd.yaml:2: is not YAML"),
        ("shop: {url: x\n", "is not YAML"),
        ("a: 1\n---\nb: 2\n", "is not YAML"),
        ("shop: !!python/object:os.system {}\n", "syncd.yaml:1: shop: YAML tags are not read"),
        ("shop: \x07\n", "characters that YAML does not allow"),
        ("shop: &a {url: *a}\n", "aliases"),
    ],
)
def test_what_is_not_a_configuration_is_refused(refusal: Refusal, text: str, words: str) -> None:
    assert any(words in line for line in refusal(text))


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "syncd.yaml"
    path.write_bytes("shop: Café".encode("latin-1"))

    with pytest.raises(ConfigError, match="not UTF-8"):
        settings.load(path, {})


def test_aliases_of_aliases_do_not_eat_the_memory(tmp_path: Path) -> None:
    """Ten lines that would stand for ten thousand million values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    path = tmp_path / "syncd.yaml"
    path.write_text("\n".join(lines))

    found = read(path)

    assert any("aliases" in each.text for each in found.problems)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("  password:", "  pasword:", ":4: shop.pasword: unknown key; did you mean password?"),
        ("ledger:", "leger:", ":6: leger: unknown key; did you mean ledger?"),
        ("use: whales", "usee: whales", ":10: segments.whales.usee: unknown key; did you mean use?"),
        ('{id: "12"}', '{idd: "12"}', ":14: syncs.letter-meta.audience.idd: unknown key; did you mean id?"),
        ("Whales}", "Whales, mdoe: add}", ":13: syncs.whales-meta.mdoe: unknown key; did you mean mode?"),
        (
            "Whales}",
            "Whales, guard: {max_removd: 3}}",
            ":13: syncs.whales-meta.guard.max_removd: unknown key; did you mean max_removed?",
        ),
        (
            "Whales}",
            'Whales, schedule: {corn: "0 3 * * mon"}}',
            ":13: syncs.whales-meta.schedule: unknown key corn; did you mean cron?",
        ),
        (
            "password: {file:",
            "password: {fiel:",
            ":4: shop.password: unknown key fiel; did you mean file?",
        ),
        (
            "{connector: meta",
            "{connecter: meta",
            ":8: accounts.meta-eu.connector: is missing; did you mean it by connecter?",
        ),
        ("segment: whales", "segment: whale", ":13: syncs.whales-meta.segment: no segment whale; did you mean whales?"),
        ("account: meta-eu, audience: W", "account: meta-us, audience: W", ":13: syncs.whales-meta.account: no account meta-us; did you mean meta-eu?"),
        ("default_country: NO", "default_country: UK", ":5: shop.default_country: must be ISO 3166's two letters: GB, not UK"),
        ("default_country: NO", "timezone: Amsterdam", ":5: shop.timezone: must be an IANA time zone such as Europe/Amsterdam or UTC"),
        ("default_country: NO", "schema: shopfy", ":5: shop.schema: unknown schema; did you mean shopify?"),
        ("default_country: NO", "default_country: NO\n  default_country: SE", ":6: shop.default_country: stands twice, first in line 5"),
        ("Whales}", "Whales, identifiers: [emial]}", ":13: syncs.whales-meta.identifiers: unknown identifier emial; did you mean email?"),
        ("Whales}", "Whales, identifiers: []}", ":13: syncs.whales-meta.identifiers: must be a list with at least one of email, phone, address"),
        ("Whales}", "Whales, identifiers: [email, email]}", ":13: syncs.whales-meta.identifiers: names an identifier twice"),
        ("Whales}", "Whales, guard: {min_members: few}}", ":13: syncs.whales-meta.guard.min_members: must be a whole number"),
        ("Whales}", "Whales, guard: {min_members: true}}", ":13: syncs.whales-meta.guard.min_members: must be a whole number"),
        ("Whales}", "Whales, mode: mirorr}", ":13: syncs.whales-meta.mode: must be 'mirror' or 'add'"),
        ("Whales}", "Whales, poll: 0s}", ":13: syncs.whales-meta.poll: must be longer than nothing, such as 30m"),
        ("audience: Whales", "mode: add", ":13: syncs.whales-meta.audience: is missing"),
        ("{use: whales, with: {share: 0.8}}", "{use: whales, sql: x.sql}", ":10: segments.whales: must have one of `use` (a catalogue segment) and `sql` (your own)"),
        ("{sql: seg", "{with: {share: 1}, sql: seg", ":11: segments.newsletter: `with` goes with `use`: SQL of your own takes no parameters"),
        ("whales-meta:", "whales meta:", ":13: syncs.whales meta: must be letters, digits and . _ -, at most 64, no blank"),
        ("@db/shop", "@${DB_HOST}/shop", ":3: shop.url: the environment has no DB_HOST"),
        ("@db/shop", "@${DB-HOST}/shop", ":3: shop.url: must write ${NAME} for the environment, or $${ for a plain ${"),
    ],
)  # fmt: skip
def test_a_slip_is_named_with_its_line_and_the_way_on(
    refusal: Refusal, old: str, new: str, words: str
) -> None:
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    assert f"syncd.yaml{words}" in refusal(text)


def test_all_problems_come_at_once_in_the_order_of_lines(refusal: Refusal) -> None:
    text = (
        GOOD.replace("password:", "pasword:")
        .replace("use:", "usee:")
        .replace("Whales}", "W, m: 1}")
    )

    lines = refusal(text)

    numbers = [int(re.match(r"syncd\.yaml:(\d+): ", line)[1]) for line in lines]  # type: ignore[index]  # no match is the failure
    assert len(lines) >= 3
    assert numbers == sorted(numbers)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("default_country: NO", "stores: [1]"),
        ("default_country: NO", "schema: woocommerce"),
        ("with: {share: 0.8}", "holdout: 5%"),
    ],
)
def test_what_is_not_built_yet_is_refused_and_not_ignored(
    refusal: Refusal, old: str, new: str
) -> None:
    [line] = refusal(GOOD.replace(old, new))
    assert "not built yet" in line


@pytest.mark.parametrize("twin", ["Whales", "{name: Whales}"])
def test_two_syncs_to_one_audience_are_refused(refusal: Refusal, twin: str) -> None:
    """DESIGN 5, promise 7."""
    text = GOOD + f"  twin: {{segment: newsletter, account: meta-eu, audience: {twin}}}\n"
    assert refusal(text) == [
        (
            "syncd.yaml:15: syncs.twin.audience: whales-meta fills this audience of meta-eu already; "
            "one audience belongs to one sync"
        )
    ]


def test_one_name_on_two_accounts_is_two_audiences(load: Load) -> None:
    text = GOOD.replace("segments:", "  meta-us: {connector: meta}\nsegments:", 1)
    text += "  us: {segment: whales, account: meta-us, audience: Whales}\n"

    assert len(load(text).syncs) == 3


def test_syncs_that_wait_for_each_other_are_refused(refusal: Refusal) -> None:
    text = GOOD.replace("Whales}", "Whales, schedule: {after: letter-meta}}")
    text = text.replace('"12"}}', '"12"}, schedule: {after: whales-meta}}')

    assert refusal(text) == [
        (
            "syncd.yaml:13: syncs.whales-meta.schedule.after: never starts: "
            "whales-meta after letter-meta after whales-meta"
        ),
        (
            "syncd.yaml:14: syncs.letter-meta.schedule.after: never starts: "
            "letter-meta after whales-meta after letter-meta"
        ),
    ]


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("leter-meta", "no sync leter-meta; did you mean letter-meta?"),
        ("whales-meta", "never starts"),
    ],
)
def test_a_sync_after_nothing_is_refused(refusal: Refusal, target: str, words: str) -> None:
    [line] = refusal(GOOD.replace("Whales}", f"Whales, schedule: {{after: {target}}}}}"))
    assert words in line


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


def test_renaming_a_sync_leaves_the_digest(load: Load) -> None:
    """DESIGN 5, promise 7: renaming a sync changes nothing."""
    renamed = load(GOOD.replace("whales-meta", "big-spenders"))
    assert digest(load()) == digest(renamed, "big-spenders")


def test_the_digest_is_the_same_on_every_machine(load: Load) -> None:
    """A changed form makes every waiting plan stale, so it is changed on purpose only."""
    assert digest(load()) == ("efa1bad8d8d49d20a15a7639a1af4789e51a786befcf456681ef7c170d79c469")
