"""What goes beside what: never two requests that name one identifier."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from random import Random

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.model import ADDRESS_CELLS, EMAIL_CELLS, ID_CELLS, IDENTIFIER_CELLS, PHONE_CELLS
from syncd.runs.apart import named
from tests.unit.lane_scene import rows_of

Cells = Mapping[str, bytes]

# One begins as what stands for none; an id in clear may be as long as a digest.
DIGESTS = [bytes([n]) * 32 for n in range(1, 5)] + [bytes(8) + b"\1" * 24]
CLEAR = [b"1011AB", b"NL", b"C-00000000000000000000000000001", b"C-000000000000000000000000000012"]
VALUES = st.sampled_from([*DIGESTS, *CLEAR])
ROWS = st.lists(
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(IDENTIFIER_CELLS, VALUES) | {"email": VALUES | st.just(b"")}
    ),
    max_size=5,
)
HOME = {"given_name": b"a", "family_name": b"b", "postcode": b"c", "country": b"nl"}
KINDS = (EMAIL_CELLS, PHONE_CELLS, *((cell,) for cell in ID_CELLS))


def apart(one: pa.RecordBatch, other: pa.RecordBatch) -> bool:
    """Either way round."""
    here, there = named(one), named(other)
    found = here.apart(there)
    assert there.apart(here) is found
    return found


def plainly(rows: Sequence[Cells]) -> set[tuple[object, ...]]:
    """What rows name, one by one, each with its kind."""
    found: set[tuple[object, ...]] = {
        (kind, row[cell]) for row in rows for kind in KINDS for cell in kind if row.get(cell)
    }
    addresses = (tuple(row.get(cell, b"") for cell in ADDRESS_CELLS) for row in rows)
    return found | {(ADDRESS_CELLS, *address) for address in addresses if all(address)}


@given(one=ROWS, other=ROWS, skipped=st.integers(0, 2))
@settings(deadline=None)
def test_requests_that_name_one_identifier_are_not_apart(
    one: list[Cells], other: list[Cells], skipped: int
) -> None:
    """Whatever stands beside it: digests alone, blanks, texts in clear; in a part of a batch."""
    if plainly(one[skipped:]) & plainly(other):
        assert not apart(rows_of(*one).slice(skipped), rows_of(*other))


@given(one=ROWS, other=ROWS)
@settings(deadline=None)
def test_requests_that_name_nothing_alike_are_apart(one: list[Cells], other: list[Cells]) -> None:
    """A text that two kinds share makes one wait, and that is all it does."""
    texts = {name[1:] for name in plainly(one)} & {name[1:] for name in plainly(other)}
    assert apart(rows_of(*one), rows_of(*other)) or texts


@pytest.mark.parametrize("cell", [*EMAIL_CELLS, *PHONE_CELLS, *ID_CELLS, *ADDRESS_CELLS])
def test_whatever_is_shared_counts_and_a_blank_does_not(cell: str) -> None:
    """One digest begins as what stands for none."""
    home = HOME if cell in ADDRESS_CELLS else {}
    beside: list[bytes | None] = [None, b"", CLEAR[0], DIGESTS[1]]
    for follows, shared in itertools.product(beside, [DIGESTS[0], DIGESTS[-1], *CLEAR[2:]]):
        one = {**home, cell: shared}
        following = {} if follows is None else {**home, cell: follows}
        assert not apart(rows_of(one, following), rows_of({**home, cell: DIGESTS[2]}, one))
        if not follows and cell not in ID_CELLS:  # where none is blank but null
            for other in (DIGESTS[2], CLEAR[1]):
                others = rows_of({**home, cell: other}, following)
                assert apart(rows_of(one, following), others)


@pytest.mark.parametrize("blanks", [0, 1, 2_000])
def test_the_one_identifier_that_two_full_requests_share_is_found(blanks: int) -> None:
    """Among thirty thousand, most of which are looked at no further."""
    random = Random(blanks)
    one, other, third = ([_member(random) for _ in range(10_000)] for _ in range(3))
    for rows in (one, other, third):
        for row in rows[:blanks]:
            del row[random.choice(("email", "phone", "country"))]
    shared = random.choice(one[blanks:])
    for cells in (("phone",), ADDRESS_CELLS):
        at = random.randrange(blanks, 10_000)
        changed = [
            *other[:at],
            other[at] | {cell: shared[cell] for cell in cells},
            *other[at + 1 :],
        ]
        assert not apart(rows_of(*one), rows_of(*changed)), cells
    assert apart(rows_of(*one), rows_of(*third))


def _member(random: Random) -> dict[str, bytes]:
    names = {cell: random.randbytes(32) for cell in ("email", "phone", "given_name", "family_name")}
    return names | {"postcode": b"%04d" % random.randrange(10_000), "country": b"\7" * 32}


def test_an_address_is_shared_only_as_a_whole() -> None:
    at_home = rows_of(HOME)
    assert not apart(at_home, rows_of(dict(HOME)))
    assert apart(at_home, rows_of({**HOME, "given_name": b"x"}))
    assert apart(at_home, rows_of({**HOME, "given_name": b"b", "family_name": b"a"}))
    half, other = {name: HOME[name] for name in ("postcode", "country")}, {**HOME, "country": b"be"}
    assert apart(rows_of(half), rows_of(dict(half)))
    assert apart(rows_of(half, HOME), rows_of(dict(half), other))


def test_what_lies_under_a_blank_counts_for_nothing() -> None:
    """Arrow lets a null have bytes."""
    digests = [bytes([n]) * 32 for n in range(2)]
    whole = pa.array(digests, pa.binary())
    held = pa.py_buffer(b"\2")  # the second one only
    some = pa.Array.from_buffers(pa.binary(), 2, [held, *whole.buffers()[1:]])
    rows = rows_of({}, {})
    email = rows.schema.get_field_index("email")
    assert apart(rows.set_column(email, "email", some), rows_of({"email": digests[0]}))
    assert not apart(rows.set_column(email, "email", some), rows_of({"email": digests[1]}))


def test_the_last_of_all_names_is_looked_up_as_others_are() -> None:
    """Beside one that begins as it does."""
    last, other = rows_of({"email": b"\xff" * 32}), rows_of({"email": b"\xfe" + b"\xff" * 31})
    assert apart(last, other)
    assert not apart(last, last)
