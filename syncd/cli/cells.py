"""How many buyers each cell by recency, frequency and money has, whichever a segment takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from syncd.app import App
from syncd.cli.output import print_json, say, table
from syncd.segments import CELLS, Words, shipped

_UNIT = 10_000  # the shop's amounts are in ten-thousandths


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell.

    Attributes:
        customers: Buyers in it.
        revenue: Of theirs, in the currency that the shop compares amounts in.
    """

    cell: str
    customers: int
    revenue: float


def counted(app: App, name: str, as_of: datetime) -> tuple[Cell, ...] | None:
    """Every cell at a moment, in the catalogue's order; None where a segment is of another kind."""
    configured = app.settings.segments.get(name)
    if (configured.use if configured else name) != CELLS:
        return None
    (named,) = (one for one in shipped(CELLS).parameters if isinstance(one, Words))
    rows = app.shop.ask(app.queries.cells(as_of))
    found = {str(cell): (int(str(count)), float(str(spent))) for cell, count, spent in rows}
    none = (0, 0.0)
    return tuple(
        Cell(cell, found.get(cell, none)[0], found.get(cell, none)[1] / _UNIT)
        for cell in named.choices
    )


def show(found: Sequence[Cell], *, as_json: bool) -> None:
    """Print them."""
    if as_json:
        print_json({"cells": found})
        return
    customers, revenue = sum(one.customers for one in found), sum(one.revenue for one in found)
    table(
        ("cell", "customers", "of all", "revenue", "of all"),
        [
            (
                one.cell,
                one.customers,
                f"{one.customers / customers if customers else 0:.1%}",
                f"{one.revenue:,.2f}",
                f"{one.revenue / revenue if revenue else 0:.1%}",
            )
            for one in found
        ],
    )
    say(f"buyers: {customers:,}, revenue {revenue:,.2f}")
