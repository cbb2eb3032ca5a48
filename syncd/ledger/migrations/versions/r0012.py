"""Generations that are written over an earlier one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0012"
down_revision = "r0011"


def upgrade() -> None:
    """Add the columns; what was written before is whole."""
    op.add_column("generation", sa.Column("base_path", sa.Text))
    op.add_column("generation", sa.Column("base_checksum", sa.Text))
