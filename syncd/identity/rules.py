"""What each platform wants of each field, as data that a person can read."""

from __future__ import annotations

from difflib import get_close_matches

from syncd.errors import ConfigError
from syncd.model import FieldRule, RuleSet

_AS_OF = "2026-11-22"

_META_GUIDE = "Meta Marketing API, Customer File Custom Audiences, Hashing and normalization"
_META_BUILDER = "facebook/capi-param-builder client_js, tests of Meta's own normaliser"
_GOOGLE_GUIDE = "Google Data Manager API, Format user data"
_GOOGLE_UTIL = "google-ads-datamanager-util 0.4.0, format.py"

# Why NFC comes first: a name typed on one keyboard and pasted from another must give one
# digest; NFC is what keyboards make and the web exchanges (W3C Character Model: String
# Matching; RFC 6532 3.1 for addresses). NFKC would change letters that people chose.
_PART = ("nfc", "trim", "not_hashed", "not_placeholder", "lower")

# The guide: "lower-case, no punctuation", letters of any script, accents kept. It is
# silent on blanks inside a name; Meta's own normaliser takes them out ("Van Der Berg" ->
# "vanderberg"), and cuts a postcode at the dash in every country, not in the US alone.
META = RuleSet(
    name="meta",
    version="1",
    fields=(
        FieldRule("email", ("nfc", "trim", "lower", "email"), True, _META_GUIDE, _AS_OF),
        FieldRule("phone", ("trim", "phone", "no_plus"), True, _META_GUIDE, _AS_OF),
        FieldRule(
            "given_name",
            (*_PART, "no_punctuation", "no_space"),
            True,
            f"{_META_GUIDE}; {_META_BUILDER}",
            _AS_OF,
        ),
        FieldRule(
            "family_name",
            (*_PART, "no_punctuation", "no_space"),
            True,
            f"{_META_GUIDE}; {_META_BUILDER}",
            _AS_OF,
        ),
        FieldRule(
            "postcode",
            (*_PART, "before_dash", "no_space", "us_five", "two_or_more"),
            True,
            f"{_META_GUIDE}; {_META_BUILDER}",
            _AS_OF,
        ),
        FieldRule("country", ("trim", "country_code", "lower"), True, _META_GUIDE, _AS_OF),
    ),
)

# The guide says "remove all white space" of an address, the formatter raises on any
# inside: both agree once such an address is refused. Names lose all white space.
GOOGLE = RuleSet(
    name="google",
    version="1",
    fields=(
        FieldRule(
            "email",
            ("nfc", "trim", "lower", "email", "gmail"),
            True,
            f"{_GOOGLE_GUIDE}; {_GOOGLE_UTIL}",
            _AS_OF,
        ),
        FieldRule("phone", ("trim", "phone"), True, _GOOGLE_GUIDE, _AS_OF),
        FieldRule("given_name", (*_PART, "no_space"), True, _GOOGLE_UTIL, _AS_OF),
        FieldRule("family_name", (*_PART, "no_space"), True, _GOOGLE_UTIL, _AS_OF),
        FieldRule(
            "postcode",
            ("nfc", "trim", "not_hashed", "not_placeholder"),
            False,
            _GOOGLE_UTIL,
            _AS_OF,
        ),
        FieldRule("country", ("trim", "country_code"), False, _GOOGLE_UTIL, _AS_OF),
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
