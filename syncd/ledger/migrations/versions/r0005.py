"""What platforms state of audiences' sizes, as a history."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0005"
down_revision = "r0004"


def upgrade() -> None:
    """Make the table; nothing is known of before."""
    op.create_table(
        "size",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("audience", sa.Integer, nullable=False),
        sa.Column("run", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("members", sa.BigInteger, nullable=False),
        sa.Column("least", sa.BigInteger),
        sa.Column("most", sa.BigInteger),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("warning", sa.Text, nullable=False),
        sa.Column("foreign", sa.Boolean, nullable=False),
        sa.ForeignKeyConstraint(["audience"], ["audience.pk"], name="fk_size_audience"),
    )
    op.create_index("ix_size_audience", "size", ["audience", "number"])
    op.create_index("ix_size_run", "size", ["run"])
