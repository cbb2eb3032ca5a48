"""Requests that are joined from columns, against those of Google's own classes."""

from __future__ import annotations

import traceback
from importlib import import_module
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors.columns import joined
from connectors.google import wire
from connectors.google_ads import api
from connectors.google_ads import wire as ads_wire
from syncd.model import ADDRESS_CELLS, EMAIL_CELLS, ID_CELLS, PHONE_CELLS, Operation
from tests.contract import google_plain
from tests.contract.google_recorder import digest, rows_of

HERE = wire.Destination("1234567890", "", "4711")
DIGESTS = st.integers(0, 9).map(lambda number: digest(str(number)))
# Of one byte, of so many that a length of theirs, or of their member, takes two or three.
TEXTS = st.one_of(
    st.text(min_size=1, max_size=9),
    st.integers(100, 300).map(lambda size: "é" * size),
    st.integers(16_000, 17_000).map(lambda size: "x" * size),
).map(str.encode)
Row = dict[str, bytes | None]
MISSING = st.sampled_from([None, b""])


def members(*, ids: bool) -> st.SearchStrategy[list[Row]]:
    """Rows with at least one identifier, cells of which are missing here and there."""
    cells = {
        **dict.fromkeys((*EMAIL_CELLS, *PHONE_CELLS, *ADDRESS_CELLS[:2]), DIGESTS),
        **dict.fromkeys((*ADDRESS_CELLS[2:], *(ID_CELLS if ids else ())), TEXTS),
    }
    one = st.fixed_dictionaries({cell: st.one_of(MISSING, some) for cell, some in cells.items()})
    named = google_plain.ads_contacts if ids else google_plain.contacts
    nothing = dict.fromkeys((*EMAIL_CELLS, *PHONE_CELLS, *ADDRESS_CELLS, *ID_CELLS))
    return st.lists(one.filter(lambda row: bool(named({**nothing, **row}))), min_size=1, max_size=6)


def cut_out(rows: list[Row], consents: list[int | None]) -> pa.RecordBatch:
    """A batch that begins within another, as columns that somebody sliced do."""
    other: Row = {"email": digest("other"), "postcode": b"9"}
    whole = rows_of([other, *rows, other], [0, *consents, 1])
    return whole.slice(1, len(rows))


@given(st.data(), members(ids=False))
@settings(deadline=None, max_examples=60)
def test_a_request_holds_what_the_sdk_would_have_put_into_it(
    data: st.DataObject, rows: list[Row]
) -> None:
    """Data Manager: members, in order, each with their identifiers and consent; to the byte."""
    size = len(rows)
    consents = data.draw(st.lists(st.sampled_from([0, 1, None]), min_size=size, max_size=size))
    batch = cut_out(rows, consents)
    expected = google_plain.ingestion(batch)
    added = wire.addition(HERE, batch)._pb
    assert list(added.audience_members) == list(expected._pb.audience_members)
    plain = type(expected).pb()()
    plain.audience_members.MergeFrom(added.audience_members)
    assert plain.SerializeToString() == type(expected).serialize(expected)
    removed = wire.removal(HERE, batch)._pb.audience_members
    assert [one.user_data for one in removed] == [one.user_data for one in added.audience_members]
    assert not any(one.HasField("consent") for one in removed)


@given(
    st.data(),
    members(ids=True),
    st.sampled_from([(Operation.ADD, "create"), (Operation.REMOVE, "remove")]),
    st.sampled_from(api.versions()),
)
@settings(deadline=None, max_examples=60)
def test_a_job_is_given_what_the_sdk_would_have_given_it(
    data: st.DataObject, rows: list[Row], done: tuple[Operation, str], version: str
) -> None:
    """Google Ads, in every version: operations, in order, of each consent; to the byte."""
    operation, kind = done
    size = len(rows)
    consents = data.draw(st.lists(st.sampled_from([0, 1, None]), min_size=size, max_size=size))
    batch = cut_out(rows, consents)
    found = ads_wire.parts(batch, operation, ads_request(version))
    assert sorted(one for part in found for one in part.positions) == list(range(size))
    for part in found:
        chosen = batch.take(pa.array(part.positions))
        if operation is Operation.ADD:
            assert {one == 1 for one in chosen.column("consent").to_pylist()} == {part.granted}
        request = ads_request(version)
        request.MergeFromString(part.operations)
        expected = google_plain.operations(chosen, kind, version)
        assert request.SerializeToString() == type(expected).serialize(expected)


@given(st.integers(0, 4), st.sampled_from(ADDRESS_CELLS[2:]), members(ids=False))
@example(4, "country", [{"email": digest("a")}])
@settings(deadline=None, max_examples=25)
def test_a_row_that_must_not_be_sent_is_named_and_not_quoted(
    fault: int, text: str, rows: list[Row]
) -> None:
    address = {cell: digest(cell) for cell in ADDRESS_CELLS[:2]}
    faults: tuple[tuple[Row, str], ...] = (
        ({}, "no identifier"),
        ({**address, "country": b"NL"}, "no identifier"),
        ({"phone_3": b"someone@example.com"}, "a digest of 19 bytes, not 32"),
        ({**address, "family_name": b"someone", "postcode": b"1", "country": b"NL"}, "of 7 bytes"),
        ({**address, "postcode": b"1", "country": b"NL", text: b"someone\xff"}, "not UTF-8"),
    )
    bad, says = faults[fault]
    batch = cut_out([*rows, bad], [1] * (len(rows) + 1))
    for send in (
        lambda: wire.addition(HERE, batch),
        lambda: wire.removal(HERE, batch),
        lambda: ads_wire.parts(batch, Operation.ADD, ads_request()),
    ):
        with pytest.raises(ValueError, match=rf"row {len(rows)}: .*{says}") as caught:
            send()
        assert "someone" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("cell", ID_CELLS)
def test_an_id_that_is_no_text_is_our_bug(cell: str) -> None:
    batch = rows_of([{cell: b"fine"}, {cell: b"\xff"}], [1, 1])
    with pytest.raises(ValueError, match="row 1: an id that is not UTF-8"):
        ads_wire.parts(batch, Operation.ADD, ads_request())


def ads_request(version: str = "v26") -> Any:
    """An empty one, raw."""
    name = f"{api.PACKAGE}.{version}.services.types.offline_user_data_job_service"
    return import_module(name).AddOfflineUserDataJobOperationsRequest.pb()()


def test_cells_are_joined_as_they_are_read_whatever_lies_around_them() -> None:
    assert joined(pa.array([b"a", b"bc", b"", b"d", b"e"]).slice(1, 3)) == b"bcd"
