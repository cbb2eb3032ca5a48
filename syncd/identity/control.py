"""Who is held out of a segment's audiences, so that the others have somebody to be compared with.

A member is held out by a keyed hash of the customer key, so the same ones are in every run, on
every platform, and nobody needs to keep a list of them. A larger share keeps those whom a
smaller one held out. Without the ledger's key nobody can tell who they are.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from syncd.model import Holdout

_BYTES = 8
_ALL = 2 ** (8 * _BYTES)
_NUMBER = np.dtype(">u8")


@dataclass(frozen=True, slots=True)
class Control:
    """A segment's control group.

    Attributes:
        key: The ledger's sub-key for hold-outs, 32 bytes.
        holdout: Its share and seed.
    """

    key: bytes = field(repr=False)
    holdout: Holdout

    def marks(self, keys: pa.Array) -> pa.Array:
        """Which members are held out, as a boolean column.

        By BLAKE2b (RFC 7693) of the seed and the key: the share of the numbers below the
        bound is the share of the members, give or take what chance does to any sample.

        Args:
            keys: Customer keys as a snapshot has them, bytes of their UTF-8.
        """
        # A seed has no zero byte in it, so no two pairs of seed and key read alike.
        begun = hashlib.blake2b(
            self.holdout.seed.encode() + b"\0", digest_size=_BYTES, key=self.key
        )
        found = []
        for key in keys.to_pylist():
            one = begun.copy()
            one.update(key)
            found.append(one.digest())
        numbers = np.frombuffer(b"".join(found), _NUMBER).astype(np.uint64)
        return pa.array(numbers < np.uint64(int(self.holdout.share * _ALL)))
