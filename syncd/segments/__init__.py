"""Segments as queries: the shipped catalogue, and a person's own SQL.

A shipped segment is `catalogue/NAME.sql` and an entry in `catalogue/catalogue.yaml`. Its
SQL selects the keys of members from the views in `catalogue/base/`, which stand on the
canonical schema (`customers`, `orders`, `carts`, `consents`); what each engine spells its
own way is a `{{macro}}`, see `macros.py`. Moments are UTC; SQLite keeps them as text,
`YYYY-MM-DD HH:MM:SS`. Keys should have a binary collation on MariaDB. A member is
someone with a row in `customers`, guests included.
"""

from __future__ import annotations

from syncd.segments.own import own_query
from syncd.segments.previews import Preview, preview
from syncd.segments.shipped import (
    Parameter,
    Segment,
    catalogue,
    catalogue_query,
    definition,
    unavailable,
)

__all__ = [
    "Parameter",
    "Preview",
    "Segment",
    "catalogue",
    "catalogue_query",
    "definition",
    "own_query",
    "preview",
    "unavailable",
]
