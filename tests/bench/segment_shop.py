"""The large shop that `tests.bench.segments` asks: made by DuckDB, the same on PostgreSQL."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import psycopg
from sqlalchemy import make_url

from syncd.segments.canonical import RELATIONS
from tests.integration.databases import (
    INDEXES,
    Database,
    canonical_tables,
    create_canonical,
    drop_lasting,
    fresh_database,
    lasting_database,
)
from tests.integration.segment_engines import DUCKDB_TYPES

_MEMORY = Path("/dev/shm")  # noqa: S108  # by which PostgreSQL is given the tables
# What every shop system has beside the keys: whose an order is, and when it was placed.
_MORE_INDEXES = (
    "CREATE INDEX orders_customer ON orders (customer_key)",
    "CREATE INDEX orders_placed ON orders (placed_at)",
)

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


@dataclass(frozen=True, slots=True)
class Place:
    """Where the shop lies.

    Attributes:
        customers: How many it has.
        kept: Whether it stays for the next run, and is taken from the last.
    """

    customers: int
    kept: bool

    @property
    def name(self) -> str:
        """Of what is kept, as a database and as a file."""
        return f"syncd_bench_segments_{self.customers}"

    @property
    def _file(self) -> Path:
        return Path(tempfile.gettempdir()) / f"{self.name}.duckdb"

    def drop(self) -> None:
        """Remove what was kept."""
        self._file.unlink(missing_ok=True)
        drop_lasting(self.name)

    @contextmanager
    def in_duckdb(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """In a file of DuckDB, which reads it by two threads."""
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            file = self._file if self.kept else folder / self._file.name
            new = not file.is_file()
            made = duckdb.connect(file, read_only=not new, config={"threads": 2})
            database = stack.enter_context(made)
            database.execute("SET TimeZone = 'UTC'")
            if new:
                for statement in canonical_tables(DUCKDB_TYPES):
                    database.execute(statement)
                database.execute(_MADE.format(customers=self.customers))
            yield database

    @contextmanager
    def in_postgresql(self, made: duckdb.DuckDBPyConnection) -> Iterator[Database]:
        """The same on PostgreSQL, indexed as shops are, and analysed."""
        with ExitStack() as stack:
            memory = _MEMORY if _MEMORY.is_dir() else None
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=memory)))
            if self.kept:
                there, new = lasting_database(self.name)
            else:
                there, new = stack.enter_context(fresh_database("postgresql", folder)), True
            if new:
                _copy(made, there, folder)
            yield there


def _copy(made: duckdb.DuckDBPyConnection, there: Database, folder: Path) -> None:
    """The tables, and then their indexes, which takes half as long as the other way round."""
    create_canonical(there, indexes=False)
    url = make_url(there.owner).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for relation in RELATIONS:
            path = folder / f"{relation.name}.csv"
            made.execute(f"COPY {relation.name} TO '{path}' (FORMAT csv, HEADER false)")
            copy = f"COPY {relation.name} FROM STDIN (FORMAT csv)"
            with path.open("rb") as file, connection.cursor().copy(copy) as stream:
                while block := file.read(1 << 20):
                    stream.write(block)
            path.unlink()
    there.execute(*INDEXES, *_MORE_INDEXES, *(f"ANALYZE {each.name}" for each in RELATIONS))
