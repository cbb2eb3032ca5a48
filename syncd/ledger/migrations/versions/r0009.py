"""Match rates that platforms state of audiences, beside the sizes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0009"
down_revision = "r0008"


def upgrade() -> None:
    """Add the columns; of what was stated before, none is known."""
    op.add_column("size", sa.Column("matched_least", sa.Integer))
    op.add_column("size", sa.Column("matched_most", sa.Integer))
