"""What each platform wants of each field, as data that a person can read."""

from __future__ import annotations

from difflib import get_close_matches

from syncd.errors import ConfigError
from syncd.model import FieldRule, RuleSet

_AS_OF = "2026-11-22"

_META_GUIDE = "Meta Marketing API, Customer File Custom Audiences, Hashing and normalization"
_META_BUILDER = "facebook/capi-param-builder client_js, Meta's own normaliser, and its tests"
_GOOGLE_GUIDE = "Google Data Manager API, Format user data"
_GOOGLE_UTIL = "google-ads-datamanager-util 0.4.0, format.py"
_GOOGLE_PROTO = "google-ads-datamanager 0.9.4, UserIdentifier, MobileData and UserIdData"

# Why NFC comes first: a name typed on one keyboard and pasted from another must give one
# digest; NFC is what keyboards make and the web exchanges (W3C Character Model: String
# Matching; RFC 6532 3.1 for addresses). NFKC would change letters that people chose.
_PART = ("nfc", "trim", "not_hashed", "not_placeholder", "lower")
_META_NAME = (*_PART, "no_punctuation", "no_space")
_META_PLACE = ("trim", "not_hashed", "not_placeholder", "latin_only", "lower")
_META_BIRTH = ("trim", "not_hashed", "birth_date")
_GOOGLE_NAME = ("nfc", "trim", "not_hashed", "not_placeholder", "no_title", "lower", "no_space")


def _rule(field: str, steps: tuple[str, ...], *sources: str, hashed: bool = True) -> FieldRule:
    return FieldRule(field, steps, hashed, "; ".join(sources), _AS_OF)


# The guide: "lower-case, no punctuation", letters of any script, accents kept. It is
# silent on blanks inside a name; Meta's own normaliser takes them out ("Van Der Berg" ->
# "vanderberg"), and cuts a postcode at the dash in every country, not in the US alone.
# City and state are letters a to z in guide and normaliser alike: accents are dropped there,
# not turned into others. Outside the US and Canada the guide wants the whole state, where
# the normaliser would cut it to two letters: the guide is about custom audiences, so it wins.
META = RuleSet(
    name="meta",
    version="2",
    fields=(
        _rule("email", ("nfc", "trim", "lower", "email"), _META_GUIDE),
        _rule("phone", ("trim", "phone", "no_plus"), _META_GUIDE),
        _rule("device_id", ("trim", "lower", "device_id"), _META_GUIDE, hashed=False),
        # Byte for byte the same each time, so neither composed nor lower-cased.
        _rule("external_id", ("trim", "not_placeholder"), _META_GUIDE, hashed=False),
        _rule("given_name", _META_NAME, _META_GUIDE, _META_BUILDER),
        _rule("family_name", _META_NAME, _META_GUIDE, _META_BUILDER),
        _rule("first_initial", (*_META_NAME, "initial"), _META_GUIDE),
        _rule(
            "postcode",
            (*_PART, "before_dash", "no_space", "us_five", "uk_sector", "two_or_more"),
            _META_GUIDE,
            _META_BUILDER,
        ),
        _rule("country", ("trim", "country_code", "lower"), _META_GUIDE),
        _rule(
            "city",
            (*_META_PLACE, "starts_with_letter"),
            _META_GUIDE,
            _META_BUILDER,
        ),
        _rule(
            "region",
            (*_META_PLACE, "starts_with_letter", "state"),
            _META_GUIDE,
            _META_BUILDER,
        ),
        _rule("birth_date", _META_BIRTH, _META_BUILDER),
        _rule("birth_year", (*_META_BIRTH, "year"), _META_GUIDE),
        _rule("birth_month", (*_META_BIRTH, "month"), _META_GUIDE),
        _rule("birth_day", (*_META_BIRTH, "day"), _META_GUIDE),
        _rule("gender", ("nfc", "trim", "lower", "gender"), _META_GUIDE, _META_BUILDER),
        # Whole cents, so that the noise of a shop's floats is no change.
        _rule("value", ("trim", "amount", "cents"), _META_GUIDE, hashed=False),
        _rule("limited_data_use", ("trim", "lower", "yes_or_no"), _META_GUIDE, hashed=False),
    ),
)

# The guide says "remove all white space" of an address, the formatter raises on any
# inside: both agree once such an address is refused. Names lose all white space, as the
# formatter's own hashing does, and titles, of which the guide says to send none.
GOOGLE = RuleSet(
    name="google",
    version="2",
    fields=(
        _rule("email", ("nfc", "trim", "lower", "email", "gmail"), _GOOGLE_GUIDE, _GOOGLE_UTIL),
        _rule("phone", ("trim", "phone"), _GOOGLE_GUIDE),
        _rule("device_id", ("trim", "lower", "device_id"), _GOOGLE_PROTO, hashed=False),
        _rule("external_id", ("trim", "not_placeholder"), _GOOGLE_PROTO, hashed=False),
        _rule("given_name", _GOOGLE_NAME, _GOOGLE_GUIDE, _GOOGLE_UTIL),
        _rule("family_name", _GOOGLE_NAME, _GOOGLE_GUIDE, _GOOGLE_UTIL),
        _rule(
            "postcode",
            ("nfc", "trim", "not_hashed", "not_placeholder"),
            _GOOGLE_UTIL,
            hashed=False,
        ),
        _rule("country", ("trim", "country_code"), _GOOGLE_UTIL, hashed=False),
    ),
)

_SHIPPED = {rules.name: rules for rules in (META, GOOGLE)}


def rule_set(rules: str | RuleSet) -> RuleSet:
    """Find a shipped rule set by name; a connector's own passes through.

    Raises:
        ConfigError: No shipped rule set has this name.
    """
    if isinstance(rules, RuleSet):
        return rules
    if rules in _SHIPPED:
        return _SHIPPED[rules]
    near = get_close_matches(rules, _SHIPPED, n=1) or sorted(_SHIPPED)
    raise ConfigError(f"no rule set is called {rules!r}; there is {' and '.join(near)}")
