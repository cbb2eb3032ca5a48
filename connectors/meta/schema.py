"""What Meta calls the cells of a row, and how many rows a request carries."""

from __future__ import annotations

from syncd.model import DETAIL_CELLS, EMAIL_CELLS, Fact

# One list schema for every request: an audience that was filled by one form of schema
# refuses the other (2650), and a removal must repeat the row that was added. Facts follow it
# where rows have them: a list that is not value-based takes no value, and a row without
# processing options says nothing of them.
_DETAILS = {
    "first_initial": "FI",
    "city": "CT",
    "state": "ST",
    "birth_year": "DOBY",
    "birth_month": "DOBM",
    "birth_day": "DOBD",
    "gender": "GEN",
}
_IDENTIFIERS = ("EMAIL", "PHONE", "FN", "LN", "ZIP", "COUNTRY", "MADID", "EXTERN_ID")
SCHEMA = (*_IDENTIFIERS, *(_DETAILS[cell] for cell in DETAIL_CELLS))
# Country and state are left out beside the options: Meta then tells them by itself.
FACTS = {Fact.VALUE: "LOOKALIKE_VALUE", Fact.LIMITED_DATA_USE: "DATA_PROCESSING_OPTIONS"}
WIRE_ROWS = 10_000  # a request; Customer File guide
# A member takes as many of Meta's rows as it has e-mails or phones, and those are three
# at most. One push is one request, so this is what can be promised whoever the members are;
# by `Capabilities.max_slots` more of them go where most have one of each.
MAX_ROWS = WIRE_ROWS // len(EMAIL_CELLS)
