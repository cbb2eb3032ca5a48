"""E-mail addresses."""

from __future__ import annotations

import re
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from syncd.identity import placeholders
from syncd.identity.reasons import Reason
from syncd.identity.step import Step, changed, where
from syncd.identity.text import holds_blank, looks_hashed

_TWICE_AT = re.compile(r"@[^@]+@")
_NOT_IN_ADDRESS = re.compile(r'[\x00-\x1f\x7f()<>\[\],;:\\"@]')
_SURE_ADDRESS = r"^[a-z0-9_+'-]+(?:\.[a-z0-9_+'-]+)*@(?:[a-z0-9-]+\.)+[a-z0-9-]+$"
_PERHAPS_FAKE = placeholders.SAID_TWICE | {
    address.partition("@")[0] for address in placeholders.ADDRESSES
}
_PERHAPS_FAKE_LOCAL = f"^(?:{'|'.join(map(re.escape, sorted(_PERHAPS_FAKE)))})@"
_GMAIL = ("gmail.com", "googlemail.com")


# In this order: the first that holds is the reason.
_FLAWS_OF_ADDRESS: tuple[tuple[Reason, Callable[[str, str], bool]], ...] = (
    (Reason.NO_DOMAIN, lambda _, domain: not domain),
    (Reason.SPACE_INSIDE, lambda local, domain: holds_blank(local + domain)),
    (Reason.NOTHING_BEFORE_AT, lambda local, _: not local.strip(".")),
    (Reason.NOT_AN_ADDRESS, lambda local, domain: bool(_NOT_IN_ADDRESS.search(local + domain))),
    (Reason.NO_DOMAIN, lambda _, domain: "." not in domain or not all(domain.split("."))),
    (
        Reason.PLACEHOLDER,
        lambda local, domain: (
            f"{local}@{domain}" in placeholders.ADDRESSES
            or (local == domain.partition(".")[0] and local in placeholders.SAID_TWICE)
        ),
    ),
)


def email(value: str, _country: str | None) -> str | Reason:
    """An address as a mail server would know it, already lower-case."""
    if looks_hashed(value):
        return Reason.HASHED
    if value in placeholders.EXCUSES:
        return Reason.PLACEHOLDER
    if _TWICE_AT.search(value):
        return Reason.TWO_ADDRESSES
    local, _, domain = value.partition("@")
    for reason, holds in _FLAWS_OF_ADDRESS:
        if holds(local, domain):
            return reason
    return value


def gmail(value: str, _country: str | None) -> str | Reason:
    """Google delivers with or without dots and +tag; googlemail is not rewritten."""
    local, _, domain = value.partition("@")
    if domain not in _GMAIL:
        return value
    local = local.partition("+")[0].replace(".", "")
    return f"{local}@{domain}" if local else Reason.NOTHING_BEFORE_AT


def _short_email(values: pa.Array, _countries: pa.Array) -> pa.Array:
    sure = pc.match_substring_regex(values, _SURE_ADDRESS)
    fake = pc.match_substring_regex(values, _PERHAPS_FAKE_LOCAL)
    return where(pc.and_not(sure, fake), values)


def _short_gmail(values: pa.Array, _countries: pa.Array) -> pa.Array:
    """Only addresses of Google that hold a dot or a plus change."""
    dotted = pc.match_substring_regex(values, r"[.+].*@(?:gmail|googlemail)\.com$")
    return changed(values, dotted, _bare)


def _bare(values: pa.Array) -> pa.Array:
    local = pc.replace_substring_regex(values, r"(?:\+.*)?@.*$", "")
    local = pc.replace_substring(local, ".", "")
    domain = pc.replace_substring_regex(values, "^[^@]*@", "")
    return where(pc.not_equal(local, ""), pc.binary_join_element_wise(local, domain, "@"))


STEPS = {
    "email": Step("check that it is one e-mail address", email, _short_email),
    "gmail": Step("at Gmail, take out dots and what follows a plus", gmail, _short_gmail),
}
