"""Who is in which arm of a segment that is split to try one campaign against another.

By a keyed hash of the customer key, as the hold-out is and independent of it: the same people are
in an arm in every run and on every platform, and nobody needs to keep a list of them.

Each arm draws a number for each member, and the arm with the least number, for its share, has
them: weighted rendezvous hashing (Schindelhauer and Schomaker 2005). So of changed shares nobody
moves but into an arm whose share has grown against that of the one they leave, and the order in
which arms are written decides nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from syncd.model import Arms

_BYTES = 8
_NUMBER = np.dtype(">u8")
_MANTISSA = 53  # bits of a double, so that each number is one exactly


@dataclass(frozen=True, slots=True)
class Split:
    """A segment's arms.

    Attributes:
        key: The ledger's sub-key for arms, 32 bytes.
        arms: Their shares and seed.
    """

    key: bytes = field(repr=False)
    arms: Arms

    def places(self, keys: pa.Array) -> npt.NDArray[np.intp]:
        """For each of some members, the place of their arm among `arms.shares`.

        Args:
            keys: Customer keys as a snapshot has them, bytes of their UTF-8.
        """
        # A seed has no zero byte in it, so no two pairs of seed and key read alike.
        begun = self._hash(self.arms.seed.encode() + b"\0")
        found = []
        for key in keys.to_pylist():
            one = begun.copy()
            one.update(key)
            found.append(one.digest())
        hashes = np.frombuffer(b"".join(found), _NUMBER).astype(np.uint64)
        least, places = np.full(len(hashes), np.inf), np.zeros(len(hashes), np.intp)
        for place, (name, share) in enumerate(self.arms.shares.items()):
            own = np.uint64(int.from_bytes(self._hash(name.encode()).digest()))
            drawn = -np.log(_uniform(hashes ^ own)) / share
            here = drawn < least
            least[here], places[here] = drawn[here], place
        return places

    def within(self, arm: str, keys: pa.Array) -> pa.Array:
        """Which members are in this arm, as a boolean column."""
        return pa.array(self.places(keys) == list(self.arms.shares).index(arm))

    def beside(self, arm: str, keys: pa.Array) -> pa.Array:
        """Which members are in another arm than this one, as a boolean column."""
        return pa.array(self.places(keys) != list(self.arms.shares).index(arm))

    def _hash(self, begun: bytes) -> hashlib.blake2b:
        return hashlib.blake2b(begun, digest_size=_BYTES, key=self.key)


def _uniform(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.float64]:
    """Numbers above 0 and below 1 of whole ones, mixed as SplitMix64 does (Steele et al. 2014)."""
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    # A half, so that none is 0: 1 is reached by rounding, and its logarithm loses to none.
    return (mixed >> np.uint64(64 - _MANTISSA)).astype(np.float64) * 2.0**-_MANTISSA + 2.0**-54
