"""Connectors: one ad platform each; see `syncd.ports` for what one owes."""

from __future__ import annotations
