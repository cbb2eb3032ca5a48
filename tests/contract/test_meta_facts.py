"""What rows say of members, over the real SDK: values of a value-based list, limited use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from connectors.conformance import batch, member
from connectors.meta.payload import wire_rows
from connectors.meta.refused import refusals
from connectors.meta.schema import SCHEMA
from connectors.sandbox.state import AudienceState
from syncd.errors import RequestRefused
from syncd.model import Fact, Operation, Receipt, Refusal
from syncd.ports import Connector
from tests.contract import meta_plain
from tests.contract.test_meta import MetaRig

VALUE, OPTIONS = "LOOKALIKE_VALUE", "DATA_PROCESSING_OPTIONS"
VALUE_BASED = {"value_based": True}


@pytest.fixture
def rig() -> Iterator[MetaRig]:
    rig = MetaRig()
    yield rig
    rig.server.stop()


def one(number: int, **facts: bytes) -> Mapping[str, bytes]:
    return {**member(number, "email", "email_2"), **facts}


def push(
    connector: Connector, audience: str, *members: Mapping[str, bytes], removes: bool = False
) -> Receipt:
    operation = Operation.REMOVE if removes else Operation.ADD
    upload = connector.open(audience, operation, rows=len(members))
    return upload.push(batch(operation, members), last=True)


def told(audience: AudienceState | None) -> list[Mapping[str, object]]:
    assert audience
    return list(audience.told.values())


def test_a_list_is_made_and_read_as_what_it_is(rig: MetaRig) -> None:
    connector = rig.connect()
    worth = connector.create("worth", VALUE_BASED).id
    plain = connector.create("plain").id
    assert connector.read(worth).facts == frozenset({Fact.VALUE})
    assert connector.read(plain).facts == frozenset()


def test_values_travel_in_every_row_of_their_member(rig: MetaRig) -> None:
    connector = rig.connect()
    made = connector.create("worth", VALUE_BASED).id
    receipt = push(connector, made, one(1, value=b"44.5"), one(2, value=b""))
    assert (receipt.received, receipt.refused) == (2, ())
    assert told(rig.world.get(made)) == [{VALUE: "44.5"}] * 2 + [{VALUE: ""}] * 2


def test_a_plain_list_takes_no_value(rig: MetaRig) -> None:
    """Meta refuses the key; what has no cell of it is sent without."""
    connector = rig.connect()
    made = connector.create("plain").id
    with pytest.raises(RequestRefused):
        push(connector, made, one(1, value=b"1"))
    assert push(connector, made, one(1)).refused == ()
    assert told(rig.world.get(made)) == []


def test_limited_use_is_an_option_of_each_row(rig: MetaRig) -> None:
    """Without country and state, so that Meta tells them by itself."""
    connector = rig.connect()
    made = connector.create("plain").id
    push(connector, made, one(1, limited_data_use=b"1"), one(2, limited_data_use=b"0"))
    assert told(rig.world.get(made)) == [{OPTIONS: ["LDU"]}] * 2 + [{OPTIONS: []}] * 2


def test_a_removal_is_the_row_that_was_added(rig: MetaRig) -> None:
    connector = rig.connect()
    made = connector.create("worth", VALUE_BASED).id
    row = one(1, value=b"7", limited_data_use=b"1")
    push(connector, made, row)
    push(connector, made, row, removes=True)
    assert rig.identifiers(made) == frozenset()


def test_rows_of_before_and_after_a_column_came_are_removed_by_sessions_of_their_own(
    rig: MetaRig,
) -> None:
    """A session keeps to one schema."""
    connector = rig.connect()
    made = connector.create("plain").id
    older, newer = one(1), one(2, limited_data_use=b"0")
    push(connector, made, older)
    push(connector, made, newer)
    upload = connector.open(made, Operation.REMOVE, rows=3)
    rows = [batch(Operation.REMOVE, [each], f"b{n}") for n, each in enumerate((older, newer))]
    labels = [upload.push(each, last=each is rows[-1]).reference for each in rows]
    assert len(set(labels)) == 2
    assert rig.identifiers(made) == frozenset()


def test_persons_are_forgotten_whatever_was_said_of_them(rig: MetaRig) -> None:
    """An account's edge: it names no list, so no value goes there."""
    connector = rig.connect()
    made = connector.create("worth", VALUE_BASED).id
    push(connector, made, one(1, value=b"7"))
    connector.forget(batch(Operation.REMOVE, [one(1)]).rows)  # type: ignore[attr-defined]  # Meta forgets
    assert rig.identifiers(made) == frozenset()


def test_the_schema_grows_by_what_is_said_alone() -> None:
    assert wire_rows(batch(Operation.ADD, [one(1)]).rows).schema == SCHEMA
    both = [one(1), one(2, value=b"", limited_data_use=b"0")]
    rows = wire_rows(batch(Operation.ADD, both).rows)
    assert rows.schema == (*SCHEMA, VALUE, OPTIONS)
    data = meta_plain.data(rows)
    assert [row[-2:] for row in data] == [["", []]] * 4
    assert {len(row) for row in data} == {len(rows.schema)}


def test_a_value_names_nobody_in_a_sample() -> None:
    """Maps of samples are counted by small numbers."""
    rows = wire_rows(batch(Operation.ADD, [one(1, value=b"0"), one(2, value=b"5")]).rows)
    assert refusals(1, {"0": "unheard of"}, rows) == (Refusal(None, "invalid_entry"),)


def test_facts_alone_are_a_bug_of_ours() -> None:
    with pytest.raises(ValueError, match="row 0 of the batch"):
        wire_rows(batch(Operation.ADD, [{"value": b"1", "limited_data_use": b"1"}]).rows)
