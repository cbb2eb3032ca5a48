"""Fixtures that integration tests share."""

from __future__ import annotations

from tests.integration.databases import make_database

__all__ = ["make_database"]
