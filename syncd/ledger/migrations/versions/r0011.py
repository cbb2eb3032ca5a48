"""When accounts' credentials end, and when their platforms were last asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0011"
down_revision = "r0010"


def upgrade() -> None:
    """Make the table; the next run of each account asks."""
    op.create_table(
        "credential",
        sa.Column("platform", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("asked_at", sa.Text, nullable=False),
        sa.Column("stated_at", sa.Text),
        sa.Column("ends_at", sa.Text),
    )
