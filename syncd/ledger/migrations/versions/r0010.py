"""What people are told of, the outbox of those messages, and which error ended a run."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0010"
down_revision = "r0009"


def upgrade() -> None:
    """Make three tables and a column; of runs before, nobody knows the error's class."""
    op.add_column("run", sa.Column("error", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "alert",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("condition", sa.Text, nullable=False),
        sa.Column("opened_at", sa.Text, nullable=False),
        sa.Column("closed_at", sa.Text),
        sa.Column("said", sa.Text, nullable=False),
        sa.Index("ix_alert_open", "closed_at"),
    )
    op.create_table(
        "notice",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column(
            "alert",
            sa.Integer,
            sa.ForeignKey("alert.number", name="fk_notice_alert"),
            nullable=False,
        ),
        sa.Column("change", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("said", sa.Text, nullable=False),
        sa.UniqueConstraint("id", name="uq_notice"),
        sa.CheckConstraint("change IN ('opened', 'recovered')", name="ck_notice_change"),
    )
    op.create_table(
        "delivery",
        sa.Column(
            "notice",
            sa.Integer,
            sa.ForeignKey("notice.number", name="fk_delivery"),
            primary_key=True,
        ),
        sa.Column("target", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", sa.Text, nullable=False),
        sa.Column("ended_at", sa.Text),
        sa.Column("code", sa.Text, nullable=False),
        sa.CheckConstraint("state IN ('waiting', 'sent', 'given up')", name="ck_delivery_state"),
        sa.Index("ix_delivery_state", "state"),
    )
