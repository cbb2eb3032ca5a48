"""Match rates that platforms state, beside the sizes; and requests by their time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0009"
down_revision = "r0008"


def upgrade() -> None:
    """Add the columns, of what was stated before none is known; and an index."""
    op.add_column("size", sa.Column("matched_least", sa.Integer))
    op.add_column("size", sa.Column("matched_most", sa.Integer))
    op.create_index("ix_attempt_started", "attempt", ["started_at"])
