"""The domain, as frozen values. Imports nothing of ours.

Members never become Python objects: they travel as Arrow record batches whose
columns are named here (`ROW_COLUMNS`, `SEGMENT_COLUMNS`). Everything that holds a
digest or a key is kept out of `repr`.
"""

from __future__ import annotations

from syncd.model.emptying import Emptied, Emptying
from syncd.model.erasures import (
    GONE,
    Erased,
    Erasure,
    ErasureId,
    Found,
    Search,
    Searched,
)
from syncd.model.findings import Finding
from syncd.model.making import (
    NO_OPTIONS,
    NO_WORDING,
    AudienceOption,
    AudienceOptions,
    AudienceValue,
    Wording,
)
from syncd.model.measuring import Measured
from syncd.model.members import (
    ADDRESS_CELLS,
    EMAIL_CELLS,
    PHONE_CELLS,
    ROW_COLUMNS,
    SEGMENT_COLUMNS,
    Consent,
    FieldRule,
    IdentifierKind,
    Refused,
    RuleSet,
    SegmentQuery,
    Snapshot,
    SnapshotId,
)
from syncd.model.platforms import (
    Account,
    Audience,
    Batch,
    BatchId,
    Capabilities,
    Operation,
    Option,
    Outcome,
    Receipt,
    Refusal,
)
from syncd.model.records import (
    AuditEvent,
    BatchRecord,
    BatchState,
    Generation,
    Guard,
    Phase,
    Plan,
    PlanCounts,
    PlanId,
    Run,
    RunId,
    RunState,
    Sizes,
    Timing,
)
from syncd.model.syncs import (
    Compared,
    Comparison,
    ConsentRule,
    Refresh,
    Sync,
)
from syncd.model.withdrawals import Withdrawal, Withdrawn

__all__ = [
    "ADDRESS_CELLS",
    "EMAIL_CELLS",
    "GONE",
    "NO_OPTIONS",
    "NO_WORDING",
    "PHONE_CELLS",
    "ROW_COLUMNS",
    "SEGMENT_COLUMNS",
    "Account",
    "Audience",
    "AudienceOption",
    "AudienceOptions",
    "AudienceValue",
    "AuditEvent",
    "Batch",
    "BatchId",
    "BatchRecord",
    "BatchState",
    "Capabilities",
    "Compared",
    "Comparison",
    "Consent",
    "ConsentRule",
    "Emptied",
    "Emptying",
    "Erased",
    "Erasure",
    "ErasureId",
    "FieldRule",
    "Finding",
    "Found",
    "Generation",
    "Guard",
    "IdentifierKind",
    "Measured",
    "Operation",
    "Option",
    "Outcome",
    "Phase",
    "Plan",
    "PlanCounts",
    "PlanId",
    "Receipt",
    "Refresh",
    "Refusal",
    "Refused",
    "RuleSet",
    "Run",
    "RunId",
    "RunState",
    "Search",
    "Searched",
    "SegmentQuery",
    "Sizes",
    "Snapshot",
    "SnapshotId",
    "Sync",
    "Timing",
    "Withdrawal",
    "Withdrawn",
    "Wording",
]
