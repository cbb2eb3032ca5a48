"""Requests that are joined from columns, against those of `json` and `urllib`."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

import pyarrow as pa
import pytest
import requests
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors.meta.form import Quoted, encoded
from connectors.meta.http import Http
from connectors.meta.payload import wire_rows
from connectors.sandbox.wire import Reply, Request, Server, json_reply
from syncd.model import ADDRESS_CELLS, DETAIL_CELLS, EMAIL_CELLS, ID_CELLS, PHONE_CELLS
from tests.contract import meta_plain
from tests.contract.google_recorder import digest, rows_of

DIGESTS = st.integers(0, 9).map(lambda number: digest(str(number)))
# What JSON, the form or both write as something else; and what neither does.
TEXTS = st.one_of(
    st.text(min_size=1, max_size=9),
    st.sampled_from(["C-1", "a+b c%20&=/~", '"\\\n', "\x7f", "é€", "\U0001f600"]),
)
Row = dict[str, bytes | None]
MISSING = st.sampled_from([None, b""])
HASHED = (*EMAIL_CELLS, *PHONE_CELLS, *ADDRESS_CELLS, *DETAIL_CELLS)
ANY: dict[str, st.SearchStrategy[bytes]] = {
    **dict.fromkeys(HASHED, DIGESTS),
    **dict.fromkeys((*ID_CELLS, "value"), TEXTS.map(str.encode)),
    "limited_data_use": st.sampled_from([b"0", b"1"]),
}
MEMBER = st.fixed_dictionaries({cell: st.one_of(MISSING, some) for cell, some in ANY.items()})
# Members as most are, so that whole columns are blank or full.
PLAIN = st.fixed_dictionaries(dict.fromkeys(("email", "phone", *ADDRESS_CELLS), DIGESTS))
MEMBERS = st.lists(st.one_of(MEMBER, PLAIN).filter(meta_plain.expanded), min_size=1, max_size=4)


def cut_out(rows: list[Row]) -> pa.RecordBatch:
    """A batch that begins within another, as columns that somebody sliced do."""
    other: Row = {"email": digest("other"), "value": b"9"}
    return rows_of([other, *rows, other], [1] * (len(rows) + 2)).slice(1, len(rows))


@given(MEMBERS, st.text(max_size=9))
@example([{"email_3": digest("a")}, {"external_id": b"+"}], "")
@settings(deadline=None, max_examples=60)
def test_a_form_holds_what_json_and_urllib_would_have_put_into_it(
    rows: list[Row], other: str
) -> None:
    """To the byte."""
    batch = cut_out(rows)
    wire = wire_rows(batch)
    plain = {"payload": meta_plain.payload(batch), "session": other, "+ &": "é"}
    assert encoded({**plain, "payload": wire.payload}) == urlencode(plain).encode()
    assert wire.members.tolist() == [
        position for position, row in enumerate(rows) for _ in meta_plain.expanded(row)
    ]


@given(st.integers(0, 4), st.lists(PLAIN, max_size=3))
@settings(deadline=None, max_examples=25)
def test_a_row_that_must_not_be_sent_is_named_and_not_quoted(fault: int, rows: list[Row]) -> None:
    faults: tuple[tuple[Row, str], ...] = (
        ({}, "no identifier"),
        ({"given_name": digest("a"), "city": digest("b"), "value": b"1"}, "no identifier"),
        ({"phone_3": b"someone@example.com"}, "a digest of 19 bytes, not 32"),
        ({"email": digest("a"), "gender": b"someone"}, "of 7 bytes"),
        ({"external_id": b"someone\xff"}, "an id that is not UTF-8"),
    )
    bad, says = faults[fault]
    with pytest.raises(ValueError, match=rf"row {len(rows)}.*{says}") as caught:
        wire_rows(cut_out([*rows, bad]))
    assert "someone" not in "".join(traceback.format_exception(caught.value))


@contextmanager
def answered(*, reply: Reply) -> Iterator[tuple[str, list[Request]]]:
    """A server's address, and what it got."""
    seen: list[Request] = []

    def answer(request: Request) -> Reply:
        seen.append(request)
        return reply

    server = Server(answer)
    try:
        yield f"http://127.0.0.1:{server.port}/", seen
    finally:
        server.stop()


def test_the_wire_is_that_of_the_library() -> None:
    """Body, length and type of a form; a question and its headers are left alone."""
    fields = {"a": "é +", "b": "x" * 100_000}
    quoted = Quoted((b"%C3%A9", b"+%2B"))
    with answered(reply=json_reply(200, {})) as (address, seen):
        for session, form in ((requests.Session(), fields), (Http(), {**fields, "a": quoted})):
            with session:
                session.post(address, data=form, headers={"X-Ours": "1"}).close()
                session.get(address, params={"q": "é"}).close()
    theirs, asked, ours, asked_by_us = seen
    assert ours.body == theirs.body
    assert ours.headers == theirs.headers
    assert asked_by_us == asked


def test_a_text_that_no_form_can_hold_is_refused_as_by_the_library() -> None:
    for make in (encoded, urlencode):
        with pytest.raises(UnicodeEncodeError):
            make({"a": "\ud800"})
