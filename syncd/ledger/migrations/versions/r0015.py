"""What the shop said of the segments in use: counts and sums, for the page."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0015"
down_revision = "r0014"


def upgrade() -> None:
    """Make the tables; the next survey fills them."""
    op.create_table(
        "survey",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("ended_at", sa.Text, nullable=False),
        sa.Column("since", sa.Text, nullable=False),
        sa.Column("customers", sa.BigInteger),
        sa.Column("buyers", sa.BigInteger),
        sa.Column("revenue", sa.BigInteger),
        sa.Column("trouble", sa.Text, nullable=False),
    )
    op.create_table(
        "surveyed",
        sa.Column("survey", sa.Integer, primary_key=True),
        sa.Column("segment", sa.Text, primary_key=True),
        sa.Column("members", sa.BigInteger),
        sa.Column("buyers", sa.BigInteger),
        sa.Column("revenue", sa.BigInteger),
        sa.Column("trouble", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["survey"], ["survey.number"], name="fk_surveyed"),
    )
    op.create_table(
        "surveyed_pair",
        sa.Column("survey", sa.Integer, primary_key=True),
        sa.Column("one", sa.Text, primary_key=True),
        sa.Column("other", sa.Text, primary_key=True),
        sa.Column("both", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["survey"], ["survey.number"], name="fk_surveyed_pair"),
    )
    op.create_table(
        "surveyed_lift",
        sa.Column("survey", sa.Integer, primary_key=True),
        sa.Column("segment", sa.Text, primary_key=True),
        sa.Column("figures", sa.Text, nullable=False),
        sa.Column("trouble", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["survey"], ["survey.number"], name="fk_surveyed_lift"),
    )
    op.create_index("ix_surveyed_segment", "surveyed", ["segment", "survey"])
