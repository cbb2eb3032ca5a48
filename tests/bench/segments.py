"""What each shipped segment takes of a large shop: `python -m tests.bench.segments [CUSTOMERS]`.

A million by default, with some three orders and ten order lines each, carts, consents, products
and categories, made by DuckDB. Every shipped segment is read to its seal from PostgreSQL, as
`syncd sync` reads it, and answered by DuckDB with two threads. Prints for each its members and
the seconds on both, and last those above 30 s. Exits 1 if the two engines have not as many
members, or a segment fails; a time never fails it.

Options: `--only whales,win_back`; `--on duckdb`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import psycopg
from sqlalchemy import make_url

from syncd.segments import Segment, catalogue, catalogue_query
from syncd.segments.canonical import RELATIONS
from syncd.shop import DatabaseShop, open_shop
from tests.integration.databases import canonical_tables, create_canonical, fresh_database
from tests.integration.segment_engines import DUCKDB_TYPES, asked_of_duckdb
from tests.segment_samples import required

CUSTOMERS = 1_000_000
AS_OF = datetime(2026, 11, 1, 12, tzinfo=UTC)
ZONE = "Europe/Amsterdam"
LONGEST = 30  # seconds that issue 9 allows
MEMORY = Path("/dev/shm")  # noqa: S108  # so that no disk is measured with the shop

# Made from numbers alone, so that every shop of one size is the same. `r(n, k)` is a number from
# 0 to 999,999 that looks drawn; customers order the less often the higher it is.
_MADE = """
CREATE MACRO r(n, k) AS (hash(n * 31 + k) % 1000000)::BIGINT;
CREATE MACRO had(days) AS TIMESTAMP '2026-11-01 12:00:00' - to_minutes(days * 1440 // 1000);
INSERT INTO customers BY NAME
SELECT 'c:' || lpad(n::VARCHAR, 9, '0') AS customer_key, 'customer' || n || '@example.com' AS email,
  '+316' || (10000000 + n) AS phone, 'First' || n % 5000 AS first_name,
  'Last' || n % 70000 AS last_name, (['NL', 'DE', 'FR', 'BE'])[1 + n % 4] AS country,
  (1000 + n % 9000)::VARCHAR AS postcode, 'City' || n % 800 AS city, 'R' || n % 12 AS region,
  r(n, 1) < 2000 AS deleted, DATE '1950-01-01' + (r(n, 2) % 20000)::INTEGER AS birth_date,
  (['f', 'm', NULL])[1 + n % 3] AS gender, (['nl', 'de_DE', 'fr'])[1 + n % 3] AS locale,
  had(1500000 + r(n, 3)) AS registered_at
FROM range({customers}) AS t(n);

CREATE TEMP TABLE bought AS
SELECT n, unnest(range(CASE WHEN r(n, 4) < 150000 THEN 0 WHEN r(n, 4) < 550000 THEN 1
  ELSE 2 + r(n, 5) % 11 END)) AS k
FROM range({customers}) AS t(n);
INSERT INTO orders BY NAME
SELECT 'o' || n || '.' || k AS order_key, 'c:' || lpad(n::VARCHAR, 9, '0') AS customer_key,
  had(r(n * 16 + k, 6) * 3 // 2) AS placed_at, r(n * 16 + k, 7) > 40000 AS is_paid,
  (500 + r(n * 16 + k, 8) % 30000)::DECIMAL(14, 4) / 100 AS total_base,
  CASE WHEN r(n * 16 + k, 9) < 30000 THEN 5 ELSE 0 END AS refunded_base,
  (['EUR', 'SEK', 'EUR', 'EUR'])[1 + k % 4] AS currency, 1 AS fx_to_base,
  CASE WHEN r(n * 16 + k, 10) < 200000 THEN 'SAVE10' END AS coupon_codes,
  r(n * 16 + k, 11) < 50000 AS gift_flag, r(n * 16 + k, 12) < 80000 AS ship_to_other,
  (['google', 'meta', NULL])[1 + n % 3] AS utm_source,
  (['cpc', 'email', NULL])[1 + n % 3] AS utm_medium, 'launch' AS utm_campaign,
  r(n * 16 + k, 7) < 10000 AS payment_failed
FROM bought;
INSERT INTO order_items BY NAME
SELECT 'o' || n || '.' || k AS order_key, 'p' || p AS product_key, 'S' || p AS sku,
  1 + p % 3 AS qty, 0 AS qty_refunded, (100 + p % 9000)::DECIMAL(14, 4) / 100 AS unit_paid,
  p % 5 = 0 AS on_sale, p % 997 = 0 AS is_gift_card
FROM (SELECT n, k, r(n * 64 + k * 4 + l, 13) % 20000 AS p
      FROM bought, range(4) AS t(l) WHERE l < 1 + r(n * 16 + k, 14) % 5);
INSERT INTO products BY NAME
SELECT 'p' || p AS product_key, 'S' || p AS sku, CASE WHEN p % 4 = 0 THEN 30 + p % 60 END
  AS replenish_days, had(r(p, 15) * 2) AS launched_at
FROM range(20000) AS t(p);
INSERT INTO product_categories BY NAME
SELECT 'p' || p AS product_key, (['Candles', 'Coffee', 'Home', 'Garden'])[1 + p % 4]
  AS category_name, (['/home/candles/', '/food/coffee/', '/home/', '/garden/'])[1 + p % 4] AS path
FROM range(20000) AS t(p);
INSERT INTO carts BY NAME
SELECT 'k' || n AS cart_key, 'c:' || lpad(n::VARCHAR, 9, '0') AS customer_key, NULL AS email,
  had(r(n, 16)) AS created_at, had(r(n, 16)) AS updated_at,
  CASE WHEN r(n, 17) < 400000 THEN had(r(n, 16)) END AS completed_at, 'EUR' AS currency,
  (r(n, 18) % 9000)::DECIMAL(14, 4) / 100 AS total
FROM range({customers} // 2) AS t(n);
INSERT INTO cart_items BY NAME
SELECT 'k' || n AS cart_key, 'p' || r(n * 4 + l, 19) % 20000 AS product_key
FROM range({customers} // 2) AS t(n), range(2) AS u(l);
INSERT INTO consents BY NAME
SELECT 'c:' || lpad(n::VARCHAR, 9, '0') AS customer_key, NULL AS email, 'email' AS channel,
  (['granted', 'denied', 'pending'])[1 + n % 3] AS state, had(r(n, 20)) AS changed_at
FROM range({customers}) AS t(n);
"""


@dataclass(frozen=True)
class Answer:
    """What a segment took on one engine; `members` is -1 where it failed."""

    members: int
    seconds: float


def made(customers: int) -> duckdb.DuckDBPyConnection:
    """A shop in DuckDB's memory, with the canonical tables."""
    database = duckdb.connect(config={"threads": 2})
    database.execute("SET TimeZone = 'UTC'")
    for statement in canonical_tables(DUCKDB_TYPES):
        database.execute(statement)
    database.execute(_MADE.format(customers=customers))
    return database


@contextmanager
def served(database: duckdb.DuckDBPyConnection) -> Iterator[DatabaseShop]:
    """The same shop on PostgreSQL, indexed as shops are, and analysed."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=_memory())))
        there = stack.enter_context(fresh_database("postgresql", folder))
        create_canonical(there)
        url = make_url(there.owner).set(drivername="postgresql")
        with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            for relation in RELATIONS:
                path = folder / f"{relation.name}.csv"
                database.execute(f"COPY {relation.name} TO '{path}' (FORMAT csv, HEADER false)")
                copy = f"COPY {relation.name} FROM STDIN (FORMAT csv)"
                with path.open("rb") as file, connection.cursor().copy(copy) as stream:
                    while block := file.read(1 << 20):
                        stream.write(block)
                path.unlink()
        there.execute(*(f"ANALYZE {relation.name}" for relation in RELATIONS))
        yield open_shop(there.url, None, timezone=ZONE)


def _memory() -> Path | None:
    return MEMORY if MEMORY.is_dir() else None


def on_duckdb(database: duckdb.DuckDBPyConnection, segment: Segment) -> Answer:
    """Answered to the last row, of which none is kept."""
    query = catalogue_query(
        segment.name,
        parameters=required(segment),
        as_of=AS_OF,
        timezone=ZONE,
        dialect="duckdb",
    )
    begun = time.perf_counter()
    sql, binds = asked_of_duckdb(query)
    answer = database.sql(sql, params=binds).to_arrow_reader(100_000)
    members = sum(batch.num_rows for batch in answer)
    return Answer(members, time.perf_counter() - begun)


def on_shop(shop: DatabaseShop, segment: Segment) -> Answer:
    """Read to its seal."""
    query = catalogue_query(
        segment.name,
        parameters=required(segment),
        as_of=AS_OF,
        timezone=ZONE,
        dialect=shop.dialect,
    )
    begun = time.perf_counter()
    with shop.read(query) as reading:
        for _ in reading:
            pass
        return Answer(reading.seal(), time.perf_counter() - begun)


def measured(customers: int, on: Collection[str], only: Collection[str]) -> bool:
    """Print the table; whether both engines have the same members, in number."""
    database = made(customers)
    lines, orders = (
        database.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0]
        for name in ("order_items", "orders")
    )
    print(f"{customers:,} customers, {orders:,} orders, {lines:,} order lines\n")
    print("| segment | members | PostgreSQL s | DuckDB s |\n|---|---:|---:|---:|")
    slow, alike = list[str](), True
    with ExitStack() as stack:
        shop = stack.enter_context(served(database)) if "postgresql" in on else None
        for segment in catalogue():
            if only and segment.name not in only:
                continue
            mine = on_duckdb(database, segment) if "duckdb" in on else None
            theirs = on_shop(shop, segment) if shop is not None else None
            answers = [each for each in (theirs, mine) if each is not None]
            alike &= len({each.members for each in answers}) == 1
            slow += [segment.name] if any(each.seconds > LONGEST for each in answers) else []
            counts = " or ".join(sorted({f"{each.members:,}" for each in answers}))
            cells = [f"{each.seconds:.1f}" if each else "" for each in (theirs, mine)]
            print(f"| `{segment.name}` | {counts} | {' | '.join(cells)} |", flush=True)
    print(f"\nabove {LONGEST} s: {', '.join(slow) or 'none'}")
    if not alike:
        print("the engines differ in how many members a segment has")
    return alike


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.segments")
    parser.add_argument("customers", nargs="?", type=int, default=CUSTOMERS)
    parser.add_argument("--only", default="")
    parser.add_argument("--on", default="postgresql,duckdb")
    asked = parser.parse_args()
    only = [name for name in asked.only.split(",") if name]
    return 0 if measured(asked.customers, asked.on.split(","), only) else 1


if __name__ == "__main__":
    sys.exit(main())
