"""Which five of a segment's members a person sees."""

from __future__ import annotations

from random import Random

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from syncd.hashes import hashed
from syncd.worth.previewing import SEEN, Few

KEY = b"k" * 32
keys = st.lists(st.integers(0, 10_000).map("c:{}".format), unique=True, max_size=40)


def few(batches: list[list[str]]) -> list[tuple[str, str]]:
    found = Few(KEY)
    for names in batches:
        column = pa.array(names, pa.string())
        mails = pa.array([f"{name[2:]}@example.com" for name in names], pa.string())
        batch = pa.RecordBatch.from_arrays([column, mails], names=["customer_key", "email"])
        found.add(batch, hashed(column))
    return [(one.key, one.digest) for one in found.found]


@given(keys, st.randoms(use_true_random=False), st.integers(1, 10))
def test_they_are_the_same_however_the_shop_orders_and_cuts_its_rows(
    names: list[str], random: Random, size: int
) -> None:
    whole, mixed = few([names]), list(names)
    random.shuffle(mixed)
    assert few([mixed[at : at + size] for at in range(0, len(mixed), size)]) == whole
    assert len(set(whole)) == min(SEEN, len(names))


@given(keys)
def test_they_stay_the_same_while_they_are_members(names: list[str]) -> None:
    """Whoever else leaves, and in whatever place they stood."""
    shown = [key for key, _ in few([names])]
    others = [name for name in names if name not in shown]
    assert [key for key, _ in few([shown + others[: len(others) // 2]])] == shown


def test_a_shape_is_of_the_first_that_is_not_blank_and_tells_no_letter() -> None:
    found = Few(KEY)
    columns = {"customer_key": ["1", "2", "3"], "email": [" ", "Ann.B@shop.nl", None]}
    batch = pa.RecordBatch.from_pydict({**columns, "phone": ["+31 6 1234", "+31", ""]})
    found.add(batch, hashed(batch.column("customer_key")))
    assert {one.key: one.shape for one in found.found} == {
        "1": "+00 0 0000",
        "2": "Xxx.X@xxxx.xx",
        "3": "",
    }
