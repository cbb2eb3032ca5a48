"""Segments as queries: the shipped catalogue, and a person's own SQL.

A shipped segment is `catalogue/NAME.sql` and an entry in `catalogue/catalogue.yaml`. Its
SQL selects the keys of members from the views in `catalogue/base/`, which stand on the
canonical model, see `canonical.py`; what each engine spells its own way is a
`{{macro}}`, see `macros.py`. Moments are UTC; SQLite keeps them as text,
`YYYY-MM-DD HH:MM:SS`. Keys should have a binary collation on MariaDB. A member is
someone with a row in `customers`, guests included.
"""

from __future__ import annotations

from syncd.segments.asking import bought_query, catalogue_query, customers_query
from syncd.segments.own import own_query
from syncd.segments.parameters import Number, Parameter, Words
from syncd.segments.previews import Preview, preview
from syncd.segments.shipped import (
    Segment,
    catalogue,
    check_parameters,
    definition,
    not_offered,
    shipped,
    unavailable,
)

__all__ = [
    "Number",
    "Parameter",
    "Preview",
    "Segment",
    "Words",
    "bought_query",
    "catalogue",
    "catalogue_query",
    "check_parameters",
    "customers_query",
    "definition",
    "not_offered",
    "own_query",
    "preview",
    "shipped",
    "unavailable",
]
