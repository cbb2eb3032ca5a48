"""The shop's own database, read and never written.

`open_shop` gives a `syncd.ports.Shop`. A read is one read-only transaction that sees
one moment of the database, streams record batches in bounded memory, and counts.
Grants are the boundary: give syncd a login that may only SELECT. What stands here (a
check of the SQL, a read-only transaction) is the seat belt.
"""

from __future__ import annotations

from syncd.shop.database import DatabaseShop, open_shop

__all__ = ["DatabaseShop", "open_shop"]
