"""What each shipped segment takes of a large shop: `python -m tests.bench.segments [CUSTOMERS]`.

A million by default, with some three orders and ten order lines each, carts, consents, products
and categories, made by DuckDB. Every shipped segment is read from PostgreSQL, as `syncd sync`
reads it, and answered by DuckDB with two threads. Prints for each its members; on PostgreSQL the
seconds to its last row, to its seal, which has the shop count once more what it answers, and those
of CPU that the server took until then, in all its processes; of DuckDB the seconds, and those of
CPU. Last, on how many segments either took above 30 s to the last row; of CPU a busy machine takes
more than an idle one, but not many times as much. Exits 1 if the two have not as many members, or
a segment fails or is not done in 600 s; a time below never fails it.

Options: `--only whales,win_back`; `--on duckdb`; `--rows` reads no seal; `--keep` leaves both
shops, and takes them as the last run left them; `--drop` removes what was left.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Collection
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb

from syncd.errors import SyncdError
from syncd.model import SegmentQuery
from syncd.segments import Segment, catalogue, catalogue_query
from syncd.segments.macros import Dialect
from syncd.shop import DatabaseShop, open_shop
from syncd.shop.engines import Limits
from tests.bench.segment_shop import Place
from tests.bench.server_cpu import ServerCpu
from tests.integration.segment_engines import asked_of_duckdb
from tests.segment_samples import ended, required

CUSTOMERS = 1_000_000
AS_OF = datetime(2026, 11, 1, 12, tzinfo=UTC)
ZONE = "Europe/Amsterdam"
LONGEST = 30  # seconds that issue 9 allows
PATIENCE = Limits(statement=600)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a segment took on one engine.

    Attributes:
        members: How many it has; -1 where it failed.
        seconds: To its last row.
        sealed: To its seal; None where none was asked for.
        cpu: Seconds of CPU of the engine, until the last of these.
    """

    members: int
    seconds: float
    sealed: float | None
    cpu: float


def _query(segment: Segment, dialect: Dialect) -> SegmentQuery:
    parameters = required(segment)
    return ended(
        catalogue_query(
            segment.name, parameters=parameters, as_of=AS_OF, timezone=ZONE, dialect=dialect
        )
    )


def on_duckdb(database: duckdb.DuckDBPyConnection, segment: Segment) -> Answer:
    """Answered to the last row, of which none is kept."""
    sql, binds = asked_of_duckdb(_query(segment, "duckdb"))
    begun, cpu = time.perf_counter(), time.process_time()
    answer = database.sql(sql, params=binds).to_arrow_reader(100_000)
    members = sum(batch.num_rows for batch in answer)
    return Answer(members, time.perf_counter() - begun, None, time.process_time() - cpu)


def on_shop(shop: DatabaseShop, server: ServerCpu, segment: Segment, *, sealed: bool) -> Answer:
    """Read to its last row, and to its seal."""
    query = _query(segment, shop.dialect)
    members, seconds, end = -1, 0.0, None
    with server.measured() as cpu:
        begun = time.perf_counter()
        with suppress(SyncdError), shop.read(query) as reading:
            found = sum(batch.num_rows for batch in reading)
            seconds = time.perf_counter() - begun
            if sealed:
                reading.seal()
                end = time.perf_counter() - begun
            members = found
    return Answer(members, seconds, end, cpu())


def measured(place: Place, on: Collection[str], only: Collection[str], *, sealed: bool) -> bool:
    """Print the table; whether each segment was answered, with as many members by both."""
    with ExitStack() as stack:
        database = stack.enter_context(place.in_duckdb())
        lines, orders = (
            database.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0]
            for name in ("order_items", "orders")
        )
        print(f"{place.customers:,} customers, {orders:,} orders, {lines:,} order lines\n")
        print("| segment | members | PostgreSQL s | sealed s | CPU s | DuckDB s | CPU s |")
        print("|---|---:|---:|---:|---:|---:|---:|")
        asked = [each for each in catalogue() if not only or each.name in only]
        shop = server = None
        if "postgresql" in on:
            there = stack.enter_context(place.in_postgresql(database))
            shop = open_shop(there.url, None, timezone=ZONE, limits=PATIENCE)
            server = stack.enter_context(ServerCpu(there.owner))
        slow, failed = list[str](), list[str]()
        for segment in asked:
            theirs = mine = None
            if shop is not None and server is not None:
                theirs = on_shop(shop, server, segment, sealed=sealed)
            if "duckdb" in on:
                mine = on_duckdb(database, segment)
            answers = [each for each in (theirs, mine) if each is not None]
            counts = {each.members for each in answers}
            failed += [segment.name] if len(counts) > 1 or -1 in counts else []
            slow += [segment.name] if any(each.seconds > LONGEST for each in answers) else []
            print(_row(segment.name, theirs, mine), flush=True)
    print(f"\nload {os.getloadavg()[0]:.0f}; {len(slow)} above {LONGEST} s: {', '.join(slow)}")
    if failed:
        print(f"failed, or with other members on the other engine: {', '.join(failed)}")
    return not failed


def _row(name: str, theirs: Answer | None, mine: Answer | None) -> str:
    answers = [each for each in (theirs, mine) if each is not None]
    members = " or ".join(sorted({f"{each.members:,}" for each in answers}))
    cells = [f"`{name}`", members]
    for answer, seals in ((theirs, True), (mine, False)):
        numbers = [] if answer is None else [answer.seconds, answer.sealed, answer.cpu]
        if not seals and answer is not None:
            numbers = [answer.seconds, answer.cpu]
        width = 3 if seals else 2
        shown = ["" if number is None else f"{number:.1f}" for number in numbers]
        cells += shown or [""] * width
    return f"| {' | '.join(cells)} |"


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.segments")
    parser.add_argument("customers", nargs="?", type=int, default=CUSTOMERS)
    parser.add_argument("--only", default="")
    parser.add_argument("--on", default="postgresql,duckdb")
    parser.add_argument("--rows", action="store_true")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--drop", action="store_true")
    asked = parser.parse_args()
    place = Place(asked.customers, kept=asked.keep)
    if asked.drop:
        place.drop()
        return 0
    only = [name for name in asked.only.split(",") if name]
    return 0 if measured(place, asked.on.split(","), only, sealed=not asked.rows) else 1


if __name__ == "__main__":
    sys.exit(main())
