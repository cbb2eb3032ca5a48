"""One file a revision, never changed once released."""

from __future__ import annotations
