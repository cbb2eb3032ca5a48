"""What audiences hold: storage, comparison, batches out, receipts folded in."""

from __future__ import annotations
