"""Audiences that others fill, and from which a sync only takes members out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0007"
down_revision = "r0006"


def upgrade() -> None:
    """Add the column; no audience of before is one."""
    op.add_column(
        "audience",
        sa.Column("takes_out", sa.Boolean, nullable=False, server_default=sa.false()),
    )
