"""From YAML to settings: what is taken, what is refused, and in which words."""
# ruff: noqa: E501  # tables of slips and what is said of them read best a case a line

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd import settings
from syncd.errors import ConfigError
from syncd.model import HASHED_KINDS, Guard, IdentifierKind, Timing
from syncd.settings import values
from syncd.settings.document import read
from tests.unit.settings.configurations import GOOD, Load, Refusal

# --- what is taken -----------------------------------------------------------


def test_a_sync_that_says_little_gets_the_defaults(load: Load) -> None:
    found = load().syncs["whales-meta"]

    assert found.mode == "mirror"
    assert found.schedule == settings.Manual()
    assert found.identifiers == HASHED_KINDS
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
        ("0 3 * * 8", "weekday must be from 0 to 7, sun to sat"),
        ("0 3 31 apr,jun *", "never run"),
        ("*/60 3 * * *", "step must be a number from 1 to 59"),
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
        ('{id: "12"}', '{idd: "12"}', ':14: syncs.letter-meta.audience: must be a name, or {id: "..."}; idd: did you mean id?'),
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
        ("default_country: NO", "stores: [1]", ":2: shop: stores: only with the `schema` of a shop system"),
        ("default_country: NO", "schema: woocommerce\n  stores: [1, 1]", ":6: shop.stores: names one twice"),
        ("default_country: NO", "schema: woocommerce\n  paid: wc-sent", ":6: shop.paid: must be a list with at least one entry"),
        ("default_country: NO", "schema: woocommerce\n  prefix: wp-", ":6: shop.prefix: must be letters, digits and _, a schema with its dot before them: wp_, shop.wp_"),
        ("default_country: NO", "default_country: NO\n  default_country: SE", ":6: shop.default_country: stands twice, first in line 5"),
        ("Whales}", "Whales, identifiers: [emial]}", ":13: syncs.whales-meta.identifiers: unknown identifier emial; did you mean email?"),
        ("Whales}", "Whales, identifiers: []}", ":13: syncs.whales-meta.identifiers: must be a list with at least one of email, phone, address, device_id, external_id"),
        ("Whales}", "Whales, identifiers: [email, email]}", ":13: syncs.whales-meta.identifiers: names an identifier twice"),
        ("Whales}", "Whales, guard: {min_members: few}}", ":13: syncs.whales-meta.guard.min_members: must be a whole number"),
        ("Whales}", "Whales, guard: {min_members: true}}", ":13: syncs.whales-meta.guard.min_members: must be a whole number"),
        ("Whales}", "Whales, mode: mirorr}", ":13: syncs.whales-meta.mode: must be 'mirror', 'add' or 'remove'"),
        ("Whales}", "Whales, mode: remove, consent: granted}", ":13: syncs.whales-meta: `consent` does not go with `mode: remove`: nobody is added by it"),
        ("Whales}", "{name: Whales, description: Big}, mode: remove}", ":13: syncs.whales-meta: audience.description: only for an audience that is created, and `mode: remove` creates none"),
        ("Whales}", "{name: Whales, lint: on}, mode: remove}", ":13: syncs.whales-meta: audience.lint: only for an audience that is created, and `mode: remove` creates none"),
        ("Whales}", "Whales, poll: 0s}", ":13: syncs.whales-meta.poll: must be longer than nothing, such as 30m"),
        ("audience: Whales", "mode: add", ":13: syncs.whales-meta.audience: is missing"),
        ("{use: whales, with: {share: 0.8}}", "{use: whales, sql: x.sql}", ":10: segments.whales: must have one of `use` (a catalogue segment), `sql` (your own), and `any` or `all` (made of others)"),
        ("{share: 0.8}}", "{share: 0.8}, prehashed: true}", ":10: segments.whales: `prehashed` goes with `sql`: segments of the catalogue read raw values"),
        ("newsletter.sql}", "newsletter.sql, prehashed: yes}", ":11: segments.newsletter.prehashed: must be true or false"),
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


def test_what_is_not_built_yet_is_refused_and_not_ignored(refusal: Refusal) -> None:
    [line] = refusal(GOOD.replace("default_country: NO", "schema: spree6"))
    assert "not built yet" in line


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("5%", (0.05, "whales")),
        ("0.125", (0.125, "whales")),
        ("{share: 5%, seed: spring}", (0.05, "spring")),
    ],
)
def test_a_hold_out_is_its_segments_by_name_or_by_a_seed(
    load: Load, written: str, read: tuple[float, str]
) -> None:
    found = load(GOOD.replace("with: {share: 0.8}", f"holdout: {written}"))
    held = found.holdout("whales")
    assert held is not None
    assert (held.share, held.seed) == read
    assert found.holdout("newsletter") is None


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
