"""When the first left of those whom a membership remembers, so that they are forgotten in time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0014"
down_revision = "r0013"


def upgrade() -> None:
    """Add the column; no generation so far remembers anybody."""
    op.add_column("generation", sa.Column("remembers", sa.Text))
