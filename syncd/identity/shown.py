"""Customer keys where a person may see them: keyed digests, from which no key can be had.

The same key gives the same digest for as long as the ledger's key is the same, so two lists of
members can be compared. Without that key nobody can make a digest of a key that they know.
"""

from __future__ import annotations

import hashlib

import pyarrow as pa
import pyarrow.compute as pc

BYTES = 16


def shown(keys: pa.Array, key: bytes) -> pa.Array:
    """Digest each customer key: BLAKE2b (RFC 7693), 16 bytes.

    Args:
        keys: As a segment returns them; compared as text.
        key: The ledger's sub-key for it, 32 bytes.
    """
    begun = hashlib.blake2b(digest_size=BYTES, key=key)
    found = []
    for one in pc.cast(keys, pa.string()).to_pylist():
        made = begun.copy()
        made.update(one.encode())
        found.append(made.digest())
    return pa.array(found, pa.binary(BYTES))
