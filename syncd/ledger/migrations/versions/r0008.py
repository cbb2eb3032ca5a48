"""When each sync last began by its schedule and is due next, so that a restart knows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0008"
down_revision = "r0007"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "due",
        sa.Column("sync", sa.Text, primary_key=True),
        sa.Column("schedule", sa.Text, nullable=False),
        sa.Column("begun_at", sa.Text),
        sa.Column("due_at", sa.Text),
    )
