"""Lanes and rows to try them with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pyarrow as pa

from connectors.conformance import account
from connectors.memory import PLATFORM
from syncd.gate import Gate
from syncd.model import (
    ROW_COLUMNS,
    BatchId,
    BatchRecord,
    BatchState,
    Operation,
    Phase,
    PlanId,
)
from syncd.ports import Connector
from syncd.retry import Patience
from syncd.runs.lanes import Lanes
from syncd.runs.parts import Parts
from tests.unit.test_retry import Hands


def lanes_of(batches: int, in_flight: int, *, rows: int = 100, worth: int = 1) -> Lanes:
    """Lanes of an operation of so many batches, on a platform that takes so many at once."""
    capabilities = replace(PLATFORM.capabilities, in_flight=in_flight, upload_worth=worth)
    platform = replace(PLATFORM, capabilities=capabilities)

    def connect() -> Connector:
        return platform.connect(account(platform, {"world": "lanes"}), lambda bits: bits)

    patience = Patience(Hands(), Gate("memory"), "eu")
    parts = SimpleNamespace(platform=platform, connect=connect, patience=patience)
    each = [rows // batches + (n < rows % batches) for n in range(batches)]
    records = [
        BatchRecord(BatchId(f"p.{n}"), PlanId("p"), n, Phase.ADD, 0, count, BatchState.PLANNED)
        for n, count in enumerate(each, 1)
    ]
    return Lanes(cast("Parts", parts), connect(), "120", Operation.ADD, records, whole=None)


def rows_of(*cells: Mapping[str, bytes]) -> pa.RecordBatch:
    """Rows as a plan's file has them; what is not given is blank."""
    columns = [pa.array([row.get(name) for row in cells], pa.binary()) for name in ROW_COLUMNS]
    return pa.RecordBatch.from_arrays(columns, names=list(ROW_COLUMNS))
