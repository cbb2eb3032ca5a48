"""Erasures: who was erased, by tombstones alone, and what became of each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0003"
down_revision = "r0002"


def _text(*names: str, missing: bool = False) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=missing) for name in names]


def upgrade() -> None:
    """Make the tables of erasures."""
    op.create_table(
        "erasure",
        sa.Column("number", sa.Integer, primary_key=True),
        *_text("id", "actor", "asked_at"),
        *_text("closed_at", missing=True),
        *_text("path", "checksum"),
        sa.UniqueConstraint("id", name="uq_erasure"),
    )
    op.create_table(
        "tombstone",
        *_text("erasure", "mac"),
        sa.Column("decides", sa.Boolean, nullable=False),
        sa.UniqueConstraint("erasure", "mac", name="uq_tombstone"),
        sa.ForeignKeyConstraint(["erasure"], ["erasure.id"], name="fk_tombstone_erasure"),
    )
    op.create_table(
        "erased",
        *_text("erasure", "platform", "account", "audience", "name", "sizes"),
        sa.Column("shared", sa.Integer, nullable=False),
        *_text("removed_at", "confirmed_at", "purged_at", missing=True),
        *_text("requests", "trouble"),
        sa.UniqueConstraint("erasure", "platform", "account", "audience", name="uq_erased"),
        sa.ForeignKeyConstraint(["erasure"], ["erasure.id"], name="fk_erased_erasure"),
    )
