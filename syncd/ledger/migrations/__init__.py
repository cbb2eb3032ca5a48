"""Migrations of the ledger: forward only, run by `syncd.ledger.migrate`."""

from __future__ import annotations
