"""Raw rows for the tests of identity, and messy ones by the thousand."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import pyarrow as pa
from hypothesis import strategies as st

from syncd.identity import placeholders
from syncd.identity.digest import Digested, Policy, digest
from syncd.identity.rules import GOOGLE, META
from syncd.model import FACT_CELLS, ID_CELLS, Detail, Fact, IdentifierKind

ALL_KINDS = frozenset(IdentifierKind)
RAW_COLUMNS = (
    *("email", "email_2", "email_3", "phone", "phone_2", "phone_3"),
    *("first_name", "last_name", "postcode", "country", *ID_CELLS, "ad_consent"),
    *("city", "region", "birth_date", "gender", *FACT_CELLS),
)
RULES = {"meta": META, "google": GOOGLE}

RawRow = Mapping[str, str | None]


def batch_of(rows: Sequence[RawRow]) -> pa.RecordBatch:
    columns = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in RAW_COLUMNS}
    keys = pa.array([f"c:{number}" for number in range(len(rows))], pa.string())
    return pa.RecordBatch.from_pydict({"customer_key": keys, **columns})


def digested(
    rows: Sequence[RawRow],
    platform: str = "meta",
    *,
    default: str | None = None,
    kinds: frozenset[IdentifierKind] = ALL_KINDS,
    most: int = 9,
    details: frozenset[Detail] = frozenset(),
    facts: frozenset[Fact] = frozenset(),
) -> Digested:
    policy = Policy(RULES[platform], kinds, default, most, details=details, facts=facts)
    return digest(batch_of(rows), policy)


def sha(value: str) -> bytes:
    return hashlib.sha256(value.encode()).digest()


def refusals(made: Digested) -> dict[tuple[str, str], int]:
    return {(entry.field, entry.reason): entry.count for entry in made.refused}


# --- messy values ---------------------------------------------------------------

SPACES = st.sampled_from(["", "", " ", "  ", "\t", "\u00a0", "\u200b", "\ufeff", "\u3000", "\n"])
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
ASCII = st.text(st.characters(min_codepoint=0, max_codepoint=127), max_size=14)
LOCAL = st.one_of(
    st.from_regex(r"[A-Za-z0-9._+'-]{1,10}", fullmatch=True),
    st.sampled_from(["test", "none", "no", "İz", "jose\u0301", "ẞ", "..", "a", "Jane.Doe+X"]),
    TEXT,
)
DOMAIN = st.one_of(
    st.sampled_from(
        ["example.com", "GMAIL.com", "googlemail.com", "test.com", "x", "a..b", "Straße.de", ""]
    ),
    st.from_regex(r"[A-Za-z0-9.-]{1,10}", fullmatch=True),
)
EMAILS = st.one_of(
    st.tuples(SPACES, LOCAL, st.sampled_from(["@", "@", "@", "", "@@", " @"]), DOMAIN, SPACES).map(
        "".join
    ),
    st.sampled_from(["n/a", "a@x.nl, b@y.nl", "no@email.com", "f" * 64, "F" * 64, "none", "-"]),
    TEXT,
    ASCII,
)
PHONES = st.one_of(
    st.tuples(
        SPACES,
        st.sampled_from(["", "+", "00", "0", "tel:+", "+31", "(0", "+1 ", "+44"]),
        st.text("0123456789 -().", min_size=0, max_size=14),
        st.sampled_from(["", "", " ext 5", ")", ";"]),
        SPACES,
    ).map("".join),
    st.sampled_from(["06-12345678", "+1 555 123 4567", "07700 900123", "0000000000", "1234567890"]),
    st.sampled_from(["٠٦١٢٣٤٥٦٧٨", "n/a", "0612345678/0687654321", "415 555 0132", "a" * 64]),
    st.sampled_from(["0612345678", "+31 687654321", "020 7946 0018", "+49 30 1234567"]),
    TEXT,
)
NAMES = st.one_of(
    st.tuples(
        SPACES,
        st.sampled_from(["Jane", "O'Brien", "van der Berg", "İpek", "Weiß", "ΟΔΟΣ"]),
        SPACES,
    ).map("".join),
    st.sampled_from(
        ["田中", "محمد", "Jose\u0301", "n/a", "None", "---", ".", "b" * 64, "j@b", "O\u2019B"]
    ),
    TEXT,
    ASCII,
)
POSTCODES = st.one_of(
    st.from_regex(r"[A-Za-z0-9]{0,5}[ -]?[A-Za-z0-9]{0,4}", fullmatch=True),
    st.from_regex(r"[0-9]{4,10}", fullmatch=True),
    st.sampled_from(
        ["94107-1234", "SW1A 1AA", "00000", "-", "1", "c" * 64, "\uff11\uff12\uff13\uff14\uff15"]
    ),
    TEXT,
    ASCII,
)
COUNTRIES = st.one_of(
    st.sampled_from(
        ["US", "us", " nl ", "UK", "GB", "DE", "BR", "Holland", "XX", "AQ", "", "TR", "it"]
    ),
    st.text("abDEfGiLnsTuU ", max_size=3),
)
# Where the text itself is nearly one: any field may meet any of these.
DATES = st.one_of(
    st.from_regex(r"(19|20)?[0-9]{2}[-/. ]?[0-9]{1,2}[-/. ]?[0-9]{1,4}( .*)?", fullmatch=True),
    st.dates().map(str),
    st.sampled_from(
        ["0000-00-00", "1900-01-01", "1990\u5e7401\u670831", "29-02-2001", "19900131T"]
    ),
)
AMOUNTS = st.one_of(
    st.from_regex(r"[+-]?[0-9]{0,4}[.,]?[0-9]{0,4}([eE][+-]?[0-9]{1,3})?", fullmatch=True),
    st.floats().map(str),
    st.decimals().map(str),
)
YES_OR_NO = st.sampled_from(["0", "1", "TRUE", "false", "t", "F", "yes", "No", "y", "n", "2", "on"])
DEVICES = st.one_of(
    st.uuids().map(str),
    st.uuids().map(lambda one: one.hex.upper()),
    st.from_regex(r"[0-9a-fA-F]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{11,13}", fullmatch=True),
    st.just("00000000-0000-0000-0000-000000000000"),
)
EXTERNAL = st.one_of(st.integers(0, 9999).map(str), st.sampled_from(["A-1", "a-1", "n/a"]), TEXT)
DIGESTS = st.from_regex(r"[0-9a-fA-F]{63,65}|[0-9a-f]{32}|[0-9a-f]{40}|[A-Za-z0-9+/]{43}=?")
PLACES = st.sampled_from(
    [
        "New York",
        "newyork",
        "Quebec",
        "Qu\u00e9bec",
        "ca",
        "ON",
        "2nd",
        "\u0130zmir",
        "Ko\u0308ln",
        "n/a",
    ]
)
WORDS = st.sampled_from(
    sorted(placeholders.EXCUSES | placeholders.MALE | placeholders.FEMALE | placeholders.COUNTED_UP)
).flatmap(
    lambda word: st.sampled_from([word, word.upper(), f" {word}", f"{word}\u200b", f"{word}s"])
)
TITLED = st.tuples(
    st.sampled_from(["Mr.", "mrs ", "Dr.\u00a0", "Mi\u017fs ", "prof", ""]),
    st.sampled_from(["Jane", "Doe", "", "van  Dam"]),
    st.sampled_from(["", " Jr.", ", sr", "\u2003JR", " \u017fr", ".jr"]),
).map("".join)
CONSENTS = st.sampled_from(["granted", "DENIED ", "unknown", "", "yes", "n/a"])


def _row(**columns: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, str | None]]:
    return st.fixed_dictionaries({name: st.none() | made for name, made in columns.items()})


ROWS = _row(
    email=EMAILS,
    email_2=EMAILS,
    email_3=EMAILS,
    phone=PHONES,
    phone_2=PHONES,
    phone_3=PHONES,
    first_name=NAMES,
    last_name=NAMES,
    postcode=POSTCODES,
    country=COUNTRIES,
    device_id=DEVICES,
    external_id=EXTERNAL,
    ad_consent=CONSENTS,
    city=PLACES | TEXT,
    region=PLACES,
    birth_date=DATES,
    gender=WORDS,
    value=AMOUNTS,
    limited_data_use=YES_OR_NO,
)

ANYTHING = st.one_of(
    *(EMAILS, PHONES, NAMES, POSTCODES, COUNTRIES, DATES, AMOUNTS, DEVICES, DIGESTS),
    *(PLACES, WORDS, TITLED, ASCII),
)
BY_FIELD = {
    "email": EMAILS,
    "phone": PHONES,
    "given_name": NAMES | TITLED,
    "family_name": NAMES | TITLED,
    "first_initial": NAMES,
    "postcode": POSTCODES,
    "country": COUNTRIES,
    "region": PLACES,
    "birth_date": DATES,
    "birth_year": DATES,
    "birth_month": DATES,
    "birth_day": DATES,
    "gender": WORDS,
    "device_id": DEVICES,
    "external_id": EXTERNAL,
    "value": AMOUNTS,
    "limited_data_use": YES_OR_NO,
    "prehashed": DIGESTS,
}
