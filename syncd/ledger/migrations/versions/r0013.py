"""Models of how customers buy, by which scored segments choose their members."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0013"
down_revision = "r0012"


def upgrade() -> None:
    """Make the table; the next run of each scored segment fits a model."""
    op.create_table(
        "fitted_model",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("basis", sa.Text, nullable=False),
        sa.Column("as_of", sa.Text, nullable=False),
        sa.Column("holdout", sa.Integer, nullable=False),
        sa.Column("fitted_at", sa.Text, nullable=False),
        sa.Column("parameters", sa.Text, nullable=False),
        sa.Column("figures", sa.Text, nullable=False),
        sa.Column("objection", sa.Text, nullable=False),
        sa.Column("money", sa.Text, nullable=False),
    )
    op.create_index("ix_fitted_model", "fitted_model", ["basis", "holdout", "as_of"])
