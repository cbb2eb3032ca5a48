"""Accounts that a platform told to wait, so that the next process does not ask again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0002"
down_revision = "r0001"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "throttle",
        sa.Column("platform", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("until", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
    )
