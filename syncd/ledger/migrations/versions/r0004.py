"""What goes on with an audience beyond its runs: refreshed, being replaced, being emptied."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0004"
down_revision = "r0003"


def upgrade() -> None:
    """Add four moments, none of which has come for an audience of before, and one length."""
    for name in ("refreshed_at", "replace_begun_at", "replace_sent_at", "retiring_at"):
        op.add_column("audience", sa.Column(name, sa.Text))
    op.add_column("audience", sa.Column("lifespan_days", sa.Integer))
