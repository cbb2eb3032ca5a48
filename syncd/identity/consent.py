"""A member's consent, and where a platform may not be told of them without it."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from syncd.identity.columns import Column, normalised
from syncd.identity.countries import CONSENT_DEMANDED
from syncd.identity.reasons import Reason
from syncd.identity.step import Step
from syncd.identity.steps import STEPS
from syncd.model import Consent

_WORDS = {consent.name.lower(): consent for consent in Consent}


def consents(raw: pa.Array) -> tuple[pa.Array, Column]:
    """`model.Consent` as int8; a blank is UNKNOWN, and so is what cannot be read.

    Returns:
        The numbers, and the column as it was read.
    """
    said = normalised(_STEPS, raw, pa.nulls(len(raw), pa.string()))
    numbers = pa.array([consent.value for consent in _WORDS.values()], pa.int8())
    found = numbers.take(pc.index_in(said.values, pa.array(list(_WORDS), pa.string())))
    return said.spread(pc.fill_null(found, pa.scalar(Consent.UNKNOWN.value, pa.int8()))), said


def demanded(member_country: pa.Array) -> pa.Array:
    """Whether consent must be there: listed countries, and members with none known."""
    listed = pc.is_in(member_country, pa.array(sorted(CONSENT_DEMANDED), pa.string()))
    return pc.or_(listed, member_country.is_null())


def _known(value: str, _country: str | None) -> str | Reason:
    return value if value in _WORDS else Reason.NOT_A_CONSENT


_STEPS = (STEPS["trim"], STEPS["lower"], Step("granted, denied or unknown", _known))
