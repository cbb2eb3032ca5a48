"""A connector that hands everything on; doubles change of it what they are about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import pyarrow as pa

from syncd.model import NO_OPTIONS, Advice, Audience, AudienceOptions, Outcome, Receipt
from syncd.ports import Advises, Connector, Forgets


@dataclass(frozen=True)
class Through:
    """All of a platform's connector but `open`, which every double has an upload of its own for.

    It does not examine: a connector that has the method is asked before every run.
    """

    inner: Connector

    def find(self, name: str) -> tuple[Audience, ...]:
        return self.inner.find(name)

    def read(self, audience_id: str) -> Audience:
        return self.inner.read(audience_id)

    def create(self, name: str, options: AudienceOptions = NO_OPTIONS) -> Audience:
        return self.inner.create(name, options)

    def outcome(self, reference: str) -> Outcome:
        return self.inner.outcome(reference)

    def advice(self) -> Advice:
        return cast("Advises", self.inner).advice()

    def forget(self, rows: pa.RecordBatch) -> Receipt:
        return cast("Forgets", self.inner).forget(rows)
