"""Why a member of a snapshot does not go out."""

from __future__ import annotations

from itertools import product

import pyarrow as pa
import pytest

from syncd.membership.engine import SNAPSHOT_SCHEMA
from syncd.membership.keptout import REASONS, reasons
from syncd.model import HELD_OUT, OTHER_ARM, ConsentRule

FLAGS = ("erased", "region", "held_out", "elsewhere")
MEMBERS = [
    {"consent": consent, **dict(zip(FLAGS, flags, strict=True))}
    for consent in (None, 0, 1, 2)
    for flags in product((None, False, True), repeat=len(FLAGS))
]
RULES = [ConsentRule(*flags) for flags in product((False, True), repeat=3)]


def reason(member: dict[str, int | bool | None], rule: ConsentRule) -> str | None:
    """In the order in which it is told."""
    granted, asked = member["consent"] == 1, rule.asked
    if member["erased"]:
        return "erased"
    if asked and member["consent"] == 2:
        return "denied"
    if asked and rule.granted_only and not granted:
        return "not granted"
    if asked and rule.granted_in_region and member["region"] and not granted:
        return "not granted where that is required"
    if member["held_out"]:
        return HELD_OUT
    return OTHER_ARM if member["elsewhere"] else None


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_everything_that_may_be_known_of_a_member(rule: ConsentRule) -> None:
    schema = pa.schema([SNAPSHOT_SCHEMA.field(name) for name in ("consent", *FLAGS)])

    found = reasons(rule, pa.RecordBatch.from_pylist(MEMBERS, schema=schema))

    assert [(None, *REASONS)[place] for place in found] == [reason(m, rule) for m in MEMBERS]
