"""Which column of a segment each field of a rule set is made from."""

from __future__ import annotations

# The first column of each; e-mail and phone may stand in two more.
COLUMN_OF = {
    "email": "email",
    "phone": "phone",
    "device_id": "device_id",
    "external_id": "external_id",
    "given_name": "first_name",
    "family_name": "last_name",
    "first_initial": "first_name",
    "postcode": "postcode",
    "country": "country",
    "city": "city",
    "region": "region",
    "birth_date": "birth_date",
    "birth_year": "birth_date",
    "birth_month": "birth_date",
    "birth_day": "birth_date",
    "gender": "gender",
    "value": "value",
    "limited_data_use": "limited_data_use",
}

# The field of a cell that is not called like it.
FIELD_OF = {"state": "region"}

# Hardly two members have the same: to look for repeats is not worth it.
ONE_PERSONS = frozenset({"email", "phone", "device_id", "external_id"})

# What a segment with `prehashed: true` holds as digests: the fields that every platform
# hashes. Countries are needed in clear for consent and phones, postcodes for Google.
PREHASHED = frozenset({"email", "phone", "given_name", "family_name"})
PREHASHED_STEPS = ("trim", "prehashed")


def columns_of(field: str) -> tuple[str, ...]:
    """All columns of a segment that hold this field's raw values, the first slot first."""
    column = COLUMN_OF[field]
    more = field in {"email", "phone"}
    return (column, *(f"{column}_{slot}" for slot in (2, 3) if more))
