"""The ledger's tables, as the newest migration leaves them."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
)
from sqlalchemy.exc import DontWrapMixin

# The newest file in `migrations/versions`; a test holds the two together.
HEAD = "r0015"


class NaiveTime(DontWrapMixin, ValueError):
    """A time without its zone; our bug."""


def iso(at: datetime) -> str:
    """A time as the ledger writes it: UTC, microseconds, one width, so text sorts by time.

    Raises:
        NaiveTime: It has no zone.
    """
    if at.utcoffset() is None:
        raise NaiveTime("the ledger takes no time without a zone")
    return at.astimezone(UTC).isoformat(timespec="microseconds")


class Instant(TypeDecorator[datetime]):
    """A point in time, kept as text in both engines."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002, D102 - the library's signature
        return None if value is None else iso(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002, D102 - the library's signature
        return None if value is None else datetime.fromisoformat(value)


metadata = MetaData()

# One row: whose ledger this is, how far it has come, and where the audit chain ends.
ledger = Table(
    "ledger",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="ck_ledger_one"), primary_key=True),
    Column("ledger_id", Text, nullable=False),
    Column("key_check", Text, nullable=False),
    Column("counter", BigInteger, nullable=False),
    Column("audit_number", BigInteger, nullable=False),
    Column("audit_seal", Text, nullable=False),
    Column("audit_head", Text, nullable=False),
)

audience = Table(
    "audience",
    metadata,
    Column("pk", Integer, primary_key=True),
    Column("platform", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("sync", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("adopted", Boolean, nullable=False),
    Column("ours", Boolean, nullable=False),
    Column("claimed_at", Instant, nullable=False),
    Column("refreshed_at", Instant),
    Column("replace_begun_at", Instant),
    Column("replace_sent_at", Instant),
    Column("retiring_at", Instant),
    Column("lifespan_days", Integer),
    Column("takes_out", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("platform", "account", "id", name="uq_audience"),
    CheckConstraint("state IN ('active', 'retired')", name="ck_audience_state"),
)

run = Table(
    "run",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", Text, nullable=False),
    Column("sync", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("plan", Text),  # no foreign key: a plan names its run, which is there first
    Column("detail", Text, nullable=False),
    Column("error", Text, nullable=False, server_default=""),
    UniqueConstraint("id", name="uq_run"),
    Index("ix_run_sync", "sync", "number"),
)

snapshot = Table(
    "snapshot",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", Text, nullable=False),
    Column("run", Text, ForeignKey("run.id", name="fk_snapshot_run"), nullable=False),
    Column("segment", Text, nullable=False),
    Column("rules", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("usable", BigInteger, nullable=False),
    Column("columns", Text, nullable=False),
    Column("refused", Text, nullable=False),
    Column("as_of", Instant, nullable=False),
    Column("sealed_at", Instant, nullable=False),
    Column("path", Text, nullable=False),
    Column("checksum", Text, nullable=False),
    UniqueConstraint("id", name="uq_snapshot"),
    Index("ix_snapshot_segment", "segment", "rules", "number"),
)

plan = Table(
    "plan",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", Text, nullable=False),
    Column("run", Text, ForeignKey("run.id", name="fk_plan_run"), nullable=False),
    Column("sync", Text, nullable=False),
    Column("audience", Integer, ForeignKey("audience.pk", name="fk_plan_audience"), nullable=False),
    Column("snapshot", Text, ForeignKey("snapshot.id", name="fk_plan_snapshot"), nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("configuration", Text, nullable=False),
    Column("rules", Text, nullable=False),
    Column("counts", Text, nullable=False),
    Column("held", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("path", Text, nullable=False),
    Column("checksum", Text, nullable=False),
    UniqueConstraint("id", name="uq_plan"),
    CheckConstraint(
        "state IN ('drafted', 'held', 'running', 'done', 'superseded')", name="ck_plan_state"
    ),
    Index("ix_plan_audience", "audience", "number"),
)

approval = Table(
    "approval",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("plan", Text, ForeignKey("plan.id", name="fk_approval_plan"), nullable=False),
    Column("actor", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Index("ix_approval_plan", "plan", "number"),
)

# The outbox. `audience` repeats the plan's and `unfolded` what `states.unfolded` says,
# so that what is under way is found without walking all that ever was.
batch = Table(
    "batch",
    metadata,
    Column("id", Text, primary_key=True),
    Column("plan", Text, ForeignKey("plan.id", name="fk_batch_plan"), nullable=False),
    Column(
        "audience", Integer, ForeignKey("audience.pk", name="fk_batch_audience"), nullable=False
    ),
    Column("number", Integer, nullable=False),
    Column("phase", Text, nullable=False),
    Column("first_row", BigInteger, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("folded", Text),
    Column("unfolded", Boolean, nullable=False),
    Column("doubtful", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("reference", Text, nullable=False),
    Column("received", BigInteger),
    Column("refused", Text, nullable=False),
    Column("match_rate", Text, nullable=False),
    Column("accepted_at", Instant),
    Column("processed_at", Instant),
    UniqueConstraint("plan", "number", name="uq_batch_number"),
    CheckConstraint(
        "state IN ('planned', 'sending', 'unknown', 'accepted', 'processed', 'settled',"
        " 'refused', 'failed', 'cancelled')",
        name="ck_batch_state",
    ),
    CheckConstraint("phase IN ('remove', 'add', 'again')", name="ck_batch_phase"),
    Index("ix_batch_state", "audience", "state"),
    Index("ix_batch_unfolded", "audience", "unfolded"),
)

attempt = Table(
    "attempt",
    metadata,
    Column("batch", Text, ForeignKey("batch.id", name="fk_attempt_batch"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("label", Text, nullable=False),
    Column("deadline", Instant, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("state", Text),
    Column("code", Text, nullable=False),
    Index("ix_attempt_started", "started_at"),
)

generation = Table(
    "generation",
    metadata,
    Column(
        "audience",
        Integer,
        ForeignKey("audience.pk", name="fk_generation_audience"),
        primary_key=True,
    ),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("path", Text, nullable=False),
    Column("checksum", Text, nullable=False),
    Column("sizes", Text, nullable=False),
    Column("rules", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("base_path", Text),
    Column("base_checksum", Text),
    Column("remembers", Instant),
    Index("ix_generation_at", "audience", "at"),
)

size = Table(
    "size",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("audience", Integer, ForeignKey("audience.pk", name="fk_size_audience"), nullable=False),
    Column("run", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("members", BigInteger, nullable=False),
    Column("least", BigInteger),
    Column("most", BigInteger),
    Column("status", Text, nullable=False),
    Column("warning", Text, nullable=False),
    Column("foreign", Boolean, nullable=False),
    Column("matched_least", Integer),
    Column("matched_most", Integer),
    Index("ix_size_audience", "audience", "number"),
    Index("ix_size_run", "run"),
)

throttle = Table(
    "throttle",
    metadata,
    Column("platform", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("until", Instant, nullable=False),
    Column("code", Text, nullable=False),
)

warning = Table(
    "warning",
    metadata,
    Column("platform", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("text", Text, nullable=False),
)

# When an account's credential ends: `ends_at` is as of `stated_at`, both NULL until told.
credential = Table(
    "credential",
    metadata,
    Column("platform", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("asked_at", Instant, nullable=False),
    Column("stated_at", Instant),
    Column("ends_at", Instant),
)

due = Table(
    "due",
    metadata,
    Column("sync", Text, primary_key=True),
    Column("schedule", Text, nullable=False),
    Column("begun_at", Instant),
    Column("due_at", Instant),
)

# What a person was, or is to be, told of: open until `closed_at`.
alert = Table(
    "alert",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("condition", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("said", Text, nullable=False),
    Index("ix_alert_open", "closed_at"),
)

# One message: that an alert was opened, or is over.
notice = Table(
    "notice",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", Text, nullable=False),
    Column("alert", Integer, ForeignKey("alert.number", name="fk_notice_alert"), nullable=False),
    Column("change", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("said", Text, nullable=False),
    UniqueConstraint("id", name="uq_notice"),
    CheckConstraint("change IN ('opened', 'recovered')", name="ck_notice_change"),
)

# The outbox of notices: one row for each target that is to have one.
delivery = Table(
    "delivery",
    metadata,
    Column("notice", Integer, ForeignKey("notice.number", name="fk_delivery"), primary_key=True),
    Column("target", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("code", Text, nullable=False),
    CheckConstraint("state IN ('waiting', 'sent', 'given up')", name="ck_delivery_state"),
    Index("ix_delivery_state", "state"),
)

# Triggers refuse UPDATE and DELETE; they stand in the migration.
audit_event = Table(
    "audit_event",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("sync", Text, nullable=False),
    Column("audience", Text, nullable=False),
    Column("run", Text, nullable=False),
    Column("plan", Text, nullable=False),
    Column("counts", Text, nullable=False),
    Column("seal", Text, nullable=False),
    Index("ix_audit_event_sync", "sync", "number"),
    Index("ix_audit_event_kind", "kind", "number"),
)

# A person who was erased. `path` names the encrypted file of digests while it is open.
erasure = Table(
    "erasure",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("path", Text, nullable=False),
    Column("checksum", Text, nullable=False),
    UniqueConstraint("id", name="uq_erasure"),
)

# Kept for good: `mac` is an HMAC under a sub-key of the ledger key, see `identity.erased`.
tombstone = Table(
    "tombstone",
    metadata,
    Column("erasure", Text, ForeignKey("erasure.id", name="fk_tombstone_erasure"), nullable=False),
    Column("mac", Text, nullable=False),
    Column("decides", Boolean, nullable=False),
    UniqueConstraint("erasure", "mac", name="uq_tombstone"),
)

# What became of an erasure in one place: an audience by its id, or with "" a whole account.
erased = Table(
    "erased",
    metadata,
    Column("erasure", Text, ForeignKey("erasure.id", name="fk_erased_erasure"), nullable=False),
    Column("platform", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("audience", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("sizes", Text, nullable=False),
    Column("shared", Integer, nullable=False),
    Column("removed_at", Instant),
    Column("confirmed_at", Instant),
    Column("purged_at", Instant),
    Column("requests", Text, nullable=False),
    Column("trouble", Text, nullable=False),
    UniqueConstraint("erasure", "platform", "account", "audience", name="uq_erased"),
)
