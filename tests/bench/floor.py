"""What a first sync cannot do without, each part alone, for `tests.bench.pipeline --profile`.

    read        rows as Arrow batches, in the order of their keys, by ADBC's driver for SQLite
    digest      the rules and hashes (`syncd.identity`), of batches that are there
    seal        a file that holds every member's row: packed, encrypted, summed and written
    plan file, fold
                a file each that holds the same once more: encrypted, summed and written
    build       the forms
    send        the SDK's line alone: ready forms to the same platform

To compare with nobody and to write receipts down takes nothing here. CPU seconds of this process.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pyarrow as pa
from adbc_driver_sqlite import dbapi
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from connectors.meta.form import encoded
from connectors.meta.http import Http
from connectors.meta.payload import wire_rows
from connectors.meta.schema import WIRE_ROWS
from syncd.identity.digest import Policy, digest
from syncd.identity.rules import META
from syncd.model import HASHED_KINDS, ROW_COLUMNS

FILES = ("seal", "plan file", "fold")
ROWS = 50_000  # a batch
POLICY = Policy(META, frozenset(HASHED_KINDS), "NL", max_identifiers=9)
SESSION = '{"session_id":1}'
HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}


class Parts:
    """Seconds by part, as they add up."""

    def __init__(self) -> None:
        self.seconds = defaultdict[str, float](float)

    @contextmanager
    def of(self, part: str) -> Iterator[None]:
        """Time the block."""
        begun = time.process_time()
        yield
        self.seconds[part] += time.process_time() - begun


def floor(shop: Path, statement: str, folder: Path, endpoint: str) -> Mapping[str, float]:
    """CPU seconds by part, of all customers of a shop on SQLite."""
    parts, cipher = Parts(), AESGCM(os.urandom(32))
    with Http() as line, (folder / "floor").open("wb") as file:
        for rows in _read(parts, shop, f"{statement} ORDER BY customer_key"):
            with parts.of("digest"):
                members = digest(rows, POLICY).rows.select([*ROW_COLUMNS, "consent"])
            with parts.of("seal"):
                packed = _packed(members)
            for part in FILES:
                with parts.of(part):
                    _write(file.write, cipher, packed)
            for first in range(0, members.num_rows, WIRE_ROWS):
                with parts.of("build"):
                    wire = wire_rows(members.slice(first, WIRE_ROWS))
                    body = encoded({"payload": wire.payload, "session": SESSION})
                with parts.of("send"):
                    line.post(f"{endpoint}/v26.0/1/users", data=body, headers=HEADERS).close()
    return parts.seconds


def _read(parts: Parts, shop: Path, statement: str) -> Iterator[pa.RecordBatch]:
    options = {"adbc.sqlite.query.batch_rows": str(ROWS)}
    with closing(dbapi.connect(str(shop))) as connection, connection.cursor() as cursor:
        cursor.adbc_statement.set_options(**options)
        with parts.of("read"):
            cursor.execute(statement)
            batches = cursor.fetch_record_batch()
        while True:
            with parts.of("read"):
                batch = next(batches, None)
            if batch is None:
                return
            keys = batch.column("customer_key").cast(pa.string())
            yield batch.set_column(0, "customer_key", keys)


def _packed(rows: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as stream:
        stream.write_batch(rows)
    return bytes(sink.getvalue())


def _write(write: Callable[[bytes], object], cipher: AESGCM, packed: bytes) -> None:
    sealed = cipher.encrypt(os.urandom(12), packed, None)
    hashlib.sha256(sealed)
    write(sealed)
