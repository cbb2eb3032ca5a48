"""The views that shipped segments stand on, `catalogue/base/NAME.sql`."""

from __future__ import annotations

import re

from syncd.segments.shipped import directory, without_comments

BIND = re.compile(r"(?<![\w:]):([a-z]\w*)")
# Each may use those before it; they become the WITH clause of a segment that uses them.
_BASE = (
    *("person", "mail_owner", "paid_order", "buyer", "rhythm", "paid_item", "sale_share"),
    *("history", "standing", "loyalty_score", "rfm", "left_cart", "consent"),
)


def base_views(sql: str) -> list[str]:
    """The views that some SQL uses, each after those that it uses itself."""
    wanted, used = without_comments(sql), list[str]()
    for name in reversed(_BASE):
        if re.search(rf"\b{name}\b", wanted):
            wanted += without_comments(base_view(name))
            used.insert(0, name)
    return used


def base_view(name: str) -> str:
    """A view, or the output after all of them, as a person wrote it."""
    return (directory() / "base" / f"{name}.sql").read_text("utf-8")
