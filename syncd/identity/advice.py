"""What an operator can do about values that are refused."""

from __future__ import annotations

from syncd.identity.fields import PREHASHED
from syncd.identity.reasons import Reason

_ADVICE = {
    Reason.NO_COUNTRY: "set shop.default_country, or let the segment give a country",
    Reason.NOT_A_DIGEST: (
        "`prehashed: true` promises SHA-256 in lower-case hex; where the shop holds the values "
        "themselves, take it off the segment"
    ),
    Reason.DAY_OR_MONTH: "give dates of birth as YYYY-MM-DD",
}


def way_on(field: str, reason: Reason | str) -> str:
    """What to do about a field's values that are refused so; "" where only mending helps.

    Args:
        field: As rule sets call it.
        reason: A reason, or its words as the ledger keeps them.
    """
    if reason in {Reason.HASHED, Reason.HASHED.value}:
        if field in PREHASHED:
            return (
                "if your shop stores SHA-256, set `prehashed: true` on the segment (SQL of your "
                "own only)"
            )
        return "this field is needed in clear: let the segment give the value itself"
    return next((said for one, said in _ADVICE.items() if reason in {one, one.value}), "")
