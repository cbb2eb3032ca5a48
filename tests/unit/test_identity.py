"""Identity: the platforms' vectors, a second opinion, and what must never happen."""

from __future__ import annotations

import pyarrow as pa
import pytest

from syncd.errors import BadRows, ConfigError
from syncd.identity import steps
from syncd.identity.columns import digest_of
from syncd.identity.countries import CONSENT_DEMANDED, ISO_3166
from syncd.identity.digest import DIGESTED_SCHEMA, Policy, digest
from syncd.identity.rules import GOOGLE, META, rule_set
from syncd.model import (
    ADDRESS_CELLS,
    EMAIL_CELLS,
    PHONE_CELLS,
    ROW_COLUMNS,
    Consent,
    FieldRule,
    IdentifierKind,
    RuleSet,
)
from tests.unit.identity_values import (
    ALL_KINDS,
    RULES,
    RawRow,
    batch_of,
    digested,
    refusals,
    sha,
)

# --- one ordinary customer --------------------------------------------------------


def test_the_customer_whom_other_connectors_get_wrong_is_right_in_every_field() -> None:
    customer = {
        "email": " Jane.Doe+Promo@GMAIL.com ",
        "phone": "+1 (555) 123-4567",
        "first_name": " Élodie ",
        "last_name": "O'Brien-Smith",
        "postcode": "94107-1234",
        "country": "US",
    }
    cells = ("email", "phone", *ADDRESS_CELLS)
    meta = ["jane.doe+promo@gmail.com", "15551234567", "élodie", "obriensmith", "94107", "us"]
    made = digested([customer], "meta").rows.to_pylist()[0]
    assert [made[cell] for cell in cells] == [sha(text) for text in meta]
    google = ["janedoe@gmail.com", "+15551234567", "élodie", "o'brien-smith"]
    made = digested([customer], "google").rows.to_pylist()[0]
    assert [made[cell] for cell in cells[:4]] == [sha(text) for text in google]
    assert [made["postcode"], made["country"]] == [b"94107-1234", b"US"]


# --- Unicode --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("José", "Jose\u0301"),
        ("Nguyễn", "Nguye\u0302\u0303n"),
        ("Ångström", "A\u030angstro\u0308m"),
        ("각", "\u1100\u1161\u11a8"),
        ("İpek", "I\u0307pek"),
        ("WEISS\u1e9e", "weissß"),
        ("MÜLLER", "mu\u0308ller"),
        (" 田中\u3000", "田中"),
        ("\u202bمحمد\u202c", "محمد"),
    ],
)
def test_two_spellings_of_a_name_are_one_digest(one: str, other: str) -> None:
    rest = {"last_name": "x y", "postcode": "1000", "country": "NL"}
    for platform in RULES:
        made = digested([{"first_name": one, **rest}, {"first_name": other, **rest}], platform)
        first, second = made.rows.column("given_name").to_pylist()
        assert first == second is not None


def test_dotted_capital_i_is_lowered_as_unicode_says_and_not_as_engines_do() -> None:
    made = digested([{"email": "İSTANBUL@example.com"}])
    assert made.rows.column("email").to_pylist() == [sha("i\u0307stanbul@example.com")]


def test_accents_are_kept() -> None:
    rows = [
        {"first_name": name, "last_name": "x", "postcode": "1000", "country": "NL"}
        for name in ("Jose", "José", "Josè")
    ]
    assert len(set(digested(rows).rows.column("given_name").to_pylist())) == 3


# --- members --------------------------------------------------------------------


def test_a_member_who_has_an_address_twice_sends_it_once_and_gaps_close() -> None:
    made = digested(
        [
            {"email": "A@example.com", "email_2": " a@EXAMPLE.com", "email_3": "b@example.com"},
            {"email": "nothing", "email_2": None, "email_3": "c@example.com"},
            {"email": "", "email_2": "d@example.com", "email_3": "D@example.com"},
        ]
    )
    a, b, c, d = (sha(f"{letter}@example.com") for letter in "abcd")
    cells = [made.rows.column(name).to_pylist() for name in EMAIL_CELLS]
    assert list(zip(*cells, strict=True)) == [(a, b, None), (c, None, None), (d, None, None)]
    assert refusals(made) == {("email", "no domain"): 1}


def test_gmail_spellings_are_one_identifier_to_google_and_two_to_meta() -> None:
    row = {"email": "jane.doe@gmail.com", "email_2": "JaneDoe+shop@gmail.com"}
    assert digested([row], "google").rows.column("email_2").to_pylist() == [None]
    assert digested([row], "meta").rows.column("email_2").to_pylist() != [None]


def test_an_address_stands_whole_or_not_at_all() -> None:
    whole = {"first_name": "Jane", "last_name": "Doe", "postcode": "1000", "country": "NL"}
    rows: list[RawRow] = [
        whole,
        *({**whole, name: None} for name in whole),
        {**whole, "last_name": "n/a"},
    ]
    for platform in RULES:
        made = digested(rows, platform).rows
        for cell in ADDRESS_CELLS:
            assert made.column(cell).is_valid().to_pylist() == [True] + [False] * 5
        assert made.column("usable").to_pylist() == [True] + [False] * 5


def test_a_missing_country_is_the_shops_and_an_unreadable_one_is_not() -> None:
    rest = {"first_name": "Jane", "last_name": "Doe", "postcode": "1000", "phone": "06 12345678"}
    rows = [{**rest, "country": country} for country in (None, "", "NL", "Holland", "BE")]
    made = digested(rows, default="nl")
    assert made.rows.column("given_name").is_valid().to_pylist() == [True, True, True, False, True]
    assert made.rows.column("phone").is_valid().to_pylist() == [True, True, True, False, False]
    assert refusals(made)["country", "not a two-letter country code of ISO 3166"] == 1
    assert refusals(made)["phone", "no country code, and no country to dial from"] == 1


def test_consent_is_demanded_where_google_says_and_where_no_country_is_known() -> None:
    countries = ["NL", "uk", "CH", "IS", "RE", "US", "TR", "JE", None, "", "Holland"]
    made = digested([{"country": country} for country in countries], "google", default="US")
    assert made.rows.column("region").to_pylist() == [True] * 5 + [False] * 3 + [True] * 3


def test_consent_is_read_or_unknown() -> None:
    words = ["granted", " GRANTED ", "denied", "unknown", "", None, "yes"]
    made = digested([{"ad_consent": word} for word in words])
    names = [Consent(number).name for number in made.rows.column("consent").to_pylist()]
    assert names == ["GRANTED", "GRANTED", "DENIED", "UNKNOWN", "UNKNOWN", "UNKNOWN", "UNKNOWN"]
    assert refusals(made) == {("ad_consent", "not granted, denied or unknown"): 1}


def test_kinds_that_a_sync_does_not_send_stay_null_and_are_not_counted() -> None:
    row = {"email": "a@example.com", "phone": "junk", "first_name": "n/a"}
    made = digested([row], kinds=frozenset({IdentifierKind.EMAIL}))
    held = [name for name in ROW_COLUMNS if made.rows.column(name).null_count == 0]
    assert held == ["email"]
    assert made.refused == ()


def test_the_last_identifiers_are_left_out_beyond_what_a_row_may_carry() -> None:
    row = {
        "email": "a@example.com",
        "email_2": "b@example.com",
        "phone": "+31612345678",
        "phone_2": "+31687654321",
        "first_name": "Jane",
        "last_name": "Doe",
        "postcode": "1000",
        "country": "NL",
    }
    held = {
        most: [
            name
            for name in (*EMAIL_CELLS, *PHONE_CELLS, "given_name", "country")
            if digested([row], most=most).rows.column(name).null_count == 0
        ]
        for most in (1, 3, 4, 5)
    }
    assert held[1] == ["email"]
    assert held[3] == ["email", "email_2", "phone"]
    assert held[4] == ["email", "email_2", "phone", "phone_2"]
    assert held[5] == ["email", "email_2", "phone", "phone_2", "given_name", "country"]


def test_all_rows_come_out_in_order_and_every_value_is_used_or_refused() -> None:
    values = ["a@example.com", "junk", None, " ", "test@test.com", "B@example.com", "n/a", "junk"]
    made = digested([{"email": value} for value in values])
    assert made.rows.column("key").to_pylist() == [f"c:{n}".encode() for n in range(len(values))]
    assert made.rows.schema == DIGESTED_SCHEMA
    usable = sum(made.rows.column("usable").to_pylist())
    blank = sum(not (value or "").strip() for value in values)
    assert usable + sum(entry.count for entry in made.refused) + blank == len(values)
    assert refusals(made) == {("email", "no domain"): 2, ("email", "placeholder"): 2}


def test_a_segment_without_most_columns_is_read() -> None:
    batch = pa.RecordBatch.from_pydict({"customer_key": ["c:1"], "email": ["a@example.com"]})
    made = digest(batch, Policy(GOOGLE, ALL_KINDS, "NL", 10))
    assert made.rows.column("usable").to_pylist() == [True]
    assert made.rows.column("consent").to_pylist() == [Consent.UNKNOWN.value]


def test_a_batch_without_rows_is_read() -> None:
    made = digested([])
    assert made.rows.num_rows == 0
    assert made.refused == ()


def test_columns_of_other_text_types_are_read() -> None:
    plain = pa.array(["a@example.com", None], pa.string())
    for column in (plain.cast(pa.large_string()), plain.dictionary_encode()):
        batch = pa.RecordBatch.from_arrays(
            [pa.array(["1", "2"]), column], ["customer_key", "email"]
        )
        made = digest(batch, Policy(META, ALL_KINDS, None, 9))
        assert made.rows.column("email").to_pylist() == [sha("a@example.com"), None]


# --- what must never happen -----------------------------------------------------


def test_an_empty_value_has_no_digest() -> None:
    with pytest.raises(ValueError, match="empty"):
        digest_of("")


def test_nothing_raw_and_no_digest_shows_in_repr() -> None:
    made = digested([{"email": "jane@example.com", "phone": "junk-phone"}])
    shown = repr(made)
    assert "jane" not in shown
    assert "junk" not in shown
    assert sha("jane@example.com").hex() not in shown


def test_a_missing_key_is_an_error_with_its_count() -> None:
    batch = pa.RecordBatch.from_pydict({"customer_key": ["1", None, None], "email": ["a"] * 3})
    with pytest.raises(BadRows, match="2 of 3 rows have no customer_key"):
        digest(batch, Policy(META, ALL_KINDS, None, 9))


def test_a_default_country_that_is_none_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="default_country 'Holland'"):
        digested([{"email": "a@example.com"}], default="Holland")


# --- rule sets ------------------------------------------------------------------


def test_a_rule_set_is_found_by_name_or_passes_through() -> None:
    assert rule_set("meta") is META
    assert rule_set(GOOGLE) is GOOGLE
    with pytest.raises(ConfigError, match="no rule set is called 'gogle'; there is google"):
        rule_set("gogle")


def test_an_unknown_step_is_a_configuration_error_with_the_nearest_name() -> None:
    rules = RuleSet("own", "1", (FieldRule("email", ("trimm",), True, "x", "2026-11-22"),))
    batch = batch_of([{"email": "a@example.com"}])
    with pytest.raises(ConfigError, match="'trimm', which does not exist; the nearest is 'trim'"):
        digest(batch, Policy(rules, ALL_KINDS, None, 9))


def test_a_connector_brings_its_own_rules() -> None:
    """Fewer fields, other steps, nothing hashed."""
    rules = RuleSet("own", "1", (FieldRule("email", ("trim", "upper_not"), False, "x", "x"),))
    with pytest.raises(ConfigError):
        digest(batch_of([{}]), Policy(rules, ALL_KINDS, None, 9))
    rules = RuleSet("own", "1", (FieldRule("email", ("trim",), False, "x", "2026-11-22"),))
    made = digest(
        batch_of([{"email": " A@b ", "phone": "+31612345678"}]), Policy(rules, ALL_KINDS, None, 9)
    )
    assert made.rows.column("email").to_pylist() == [b"A@b"]
    assert made.rows.column("phone").to_pylist() == [None]


def test_every_rule_is_sourced_and_dated() -> None:
    for rules in (META, GOOGLE):
        assert {rule.field for rule in rules.fields} >= {"email", "phone", *ADDRESS_CELLS}
        assert all(rule.source and rule.as_of and rule.steps for rule in rules.fields)
        assert all(steps.steps_named(rule.steps) for rule in rules.fields)


def test_country_lists_are_whole() -> None:
    assert len(ISO_3166) == 249
    assert CONSENT_DEMANDED <= ISO_3166
    assert len(CONSENT_DEMANDED) == 27 + 7 + 3 + 2
