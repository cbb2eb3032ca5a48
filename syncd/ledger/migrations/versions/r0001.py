"""The ledger as first released."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0001"
down_revision = None

_SQLITE = (
    "CREATE TRIGGER audit_event_{verb} BEFORE {verb} ON audit_event "
    "BEGIN SELECT RAISE(ABORT, 'audit events are never changed'); END"
)
_POSTGRES = (
    """
    CREATE FUNCTION audit_event_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION 'audit events are never changed' USING ERRCODE = 'restrict_violation';
    END $$
    """,
    """
    CREATE TRIGGER audit_event_rows BEFORE UPDATE OR DELETE ON audit_event
    FOR EACH ROW EXECUTE FUNCTION audit_event_stays()
    """,
    """
    CREATE TRIGGER audit_event_all BEFORE TRUNCATE ON audit_event
    FOR EACH STATEMENT EXECUTE FUNCTION audit_event_stays()
    """,
)


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _big(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]


def upgrade() -> None:
    """Make all tables and the audit's triggers."""
    _ledger_and_audiences()
    _runs_and_snapshots()
    _plans()
    _batches()
    _generations()
    _audit()


def _ledger_and_audiences() -> None:
    op.create_table(
        "ledger",
        sa.Column("id", sa.Integer, primary_key=True),
        *_text("ledger_id", "key_check"),
        *_big("counter", "audit_number"),
        *_text("audit_seal", "audit_head"),
        sa.CheckConstraint("id = 1", name="ck_ledger_one"),
    )
    op.create_table(
        "audience",
        sa.Column("pk", sa.Integer, primary_key=True),
        *_text("platform", "account", "id", "name", "sync", "state"),
        sa.Column("adopted", sa.Boolean, nullable=False),
        sa.Column("ours", sa.Boolean, nullable=False),
        *_text("claimed_at"),
        sa.UniqueConstraint("platform", "account", "id", name="uq_audience"),
        sa.CheckConstraint("state IN ('active', 'retired')", name="ck_audience_state"),
    )


def _runs_and_snapshots() -> None:
    op.create_table(
        "run",
        sa.Column("number", sa.Integer, primary_key=True),
        *_text("id", "sync", "actor", "state", "started_at"),
        sa.Column("ended_at", sa.Text),
        sa.Column("plan", sa.Text),
        *_text("detail"),
        sa.UniqueConstraint("id", name="uq_run"),
    )
    op.create_index("ix_run_sync", "run", ["sync", "number"])
    op.create_table(
        "snapshot",
        sa.Column("number", sa.Integer, primary_key=True),
        *_text("id", "run", "segment", "rules"),
        *_big("rows", "usable"),
        *_text("columns", "refused", "as_of", "sealed_at", "path", "checksum"),
        sa.UniqueConstraint("id", name="uq_snapshot"),
        sa.ForeignKeyConstraint(["run"], ["run.id"], name="fk_snapshot_run"),
    )
    op.create_index("ix_snapshot_segment", "snapshot", ["segment", "rules", "number"])


def _plans() -> None:
    op.create_table(
        "plan",
        sa.Column("number", sa.Integer, primary_key=True),
        *_text("id", "run", "sync"),
        sa.Column("audience", sa.Integer, nullable=False),
        *_text("snapshot"),
        *_big("generation"),
        *_text("configuration", "rules", "counts", "held", "state"),
        *_text("created_at", "path", "checksum"),
        sa.UniqueConstraint("id", name="uq_plan"),
        sa.ForeignKeyConstraint(["run"], ["run.id"], name="fk_plan_run"),
        sa.ForeignKeyConstraint(["audience"], ["audience.pk"], name="fk_plan_audience"),
        sa.ForeignKeyConstraint(["snapshot"], ["snapshot.id"], name="fk_plan_snapshot"),
        sa.CheckConstraint(
            "state IN ('drafted', 'held', 'running', 'done', 'superseded')", name="ck_plan_state"
        ),
    )
    op.create_index("ix_plan_audience", "plan", ["audience", "number"])
    op.create_table(
        "approval",
        sa.Column("number", sa.Integer, primary_key=True),
        *_text("plan", "actor", "at", "expires_at"),
        sa.ForeignKeyConstraint(["plan"], ["plan.id"], name="fk_approval_plan"),
    )
    op.create_index("ix_approval_plan", "approval", ["plan", "number"])


def _batches() -> None:
    op.create_table(
        "batch",
        sa.Column("id", sa.Text, primary_key=True),
        *_text("plan"),
        sa.Column("audience", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        *_text("phase"),
        *_big("first_row", "rows"),
        *_text("state"),
        sa.Column("folded", sa.Text),
        sa.Column("unfolded", sa.Boolean, nullable=False),
        sa.Column("doubtful", sa.Boolean, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        *_text("reference"),
        sa.Column("received", sa.BigInteger),
        *_text("refused", "match_rate"),
        sa.Column("accepted_at", sa.Text),
        sa.Column("processed_at", sa.Text),
        sa.UniqueConstraint("plan", "number", name="uq_batch_number"),
        sa.ForeignKeyConstraint(["plan"], ["plan.id"], name="fk_batch_plan"),
        sa.ForeignKeyConstraint(["audience"], ["audience.pk"], name="fk_batch_audience"),
        sa.CheckConstraint(
            "state IN ('planned', 'sending', 'unknown', 'accepted', 'processed', 'settled',"
            " 'refused', 'failed', 'cancelled')",
            name="ck_batch_state",
        ),
        sa.CheckConstraint("phase IN ('remove', 'add', 'again')", name="ck_batch_phase"),
    )
    op.create_index("ix_batch_state", "batch", ["audience", "state"])
    op.create_index("ix_batch_unfolded", "batch", ["audience", "unfolded"])
    op.create_table(
        "attempt",
        sa.Column("batch", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        *_text("label", "deadline", "started_at"),
        sa.Column("ended_at", sa.Text),
        sa.Column("state", sa.Text),
        *_text("code"),
        sa.ForeignKeyConstraint(["batch"], ["batch.id"], name="fk_attempt_batch"),
    )


def _generations() -> None:
    op.create_table(
        "generation",
        sa.Column("audience", sa.Integer, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        *_text("path", "checksum", "sizes", "rules", "at"),
        sa.ForeignKeyConstraint(["audience"], ["audience.pk"], name="fk_generation_audience"),
    )
    op.create_index("ix_generation_at", "generation", ["audience", "at"])


def _audit() -> None:
    op.create_table(
        "audit_event",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        *_text("kind", "at", "actor", "detail", "sync", "audience", "run", "plan"),
        *_text("counts", "seal"),
    )
    op.create_index("ix_audit_event_sync", "audit_event", ["sync", "number"])
    op.create_index("ix_audit_event_kind", "audit_event", ["kind", "number"])
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(_SQLITE.format(verb=verb))
    else:
        for statement in _POSTGRES:
            op.execute(statement)
