"""syncd keeps ad-platform audiences equal to customer segments."""

from __future__ import annotations

__version__ = "0.1.0"
