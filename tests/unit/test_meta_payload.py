from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.conformance import batch, identifiers, member
from connectors.meta.payload import wire_rows
from connectors.meta.refused import refusals
from connectors.meta.schema import MAX_ROWS, SCHEMA, WIRE_ROWS
from connectors.sandbox.meta_rules import read_payload, sort_out
from syncd.model import DETAIL_CELLS, ID_CELLS, IDENTIFIER_CELLS, ROW_COLUMNS, Operation, Refusal
from tests.contract.meta_plain import data, text

ADDRESS = ("given_name", "family_name", "postcode", "country")
IDS = frozenset(ID_CELLS)
NOTHING = ("",) * (len(SCHEMA) - 6)


def holds_an_identifier(names: set[str]) -> bool:
    alone = set(IDENTIFIER_CELLS) - set(ADDRESS)
    return bool(names & alone) or set(ADDRESS) <= names


CELLS = st.sets(st.sampled_from(ROW_COLUMNS), min_size=1).filter(holds_an_identifier)


@given(st.lists(CELLS, min_size=1, max_size=5))
def test_every_identifier_of_a_member_and_nothing_else_reaches_the_platform(
    cells: list[set[str]],
) -> None:
    """An address that is not whole stays at home."""
    members = [member(number, *sorted(names), plain=IDS) for number, names in enumerate(cells)]
    rows = wire_rows(batch(Operation.ADD, members).rows)
    taken, invalid = sort_out(read_payload(text(rows)))
    assert frozenset().union(*taken) == identifiers(members, IDS)
    assert invalid == []
    assert sorted(set(rows.members.tolist())) == list(range(len(members)))


@given(CELLS, CELLS)
def test_a_removal_holds_what_leaves_and_nothing_else(
    cells: set[str], still_held: set[str]
) -> None:
    """Blank where someone still holds it; where nobody does, the very rows of the addition."""
    left = cells - still_held
    if not holds_an_identifier(left):
        return
    added = wire_rows(batch(Operation.ADD, [member(1, *cells, plain=IDS)]).rows)
    leaving = member(1, *left, plain=IDS)
    removed = wire_rows(batch(Operation.REMOVE, [leaving]).rows)
    taken, _ = sort_out(read_payload(text(removed)))
    assert frozenset().union(*taken) == identifiers([leaving], IDS)
    if left == cells:
        assert text(removed) == text(added)


def test_a_second_address_is_a_second_row_with_the_other_keys_repeated() -> None:
    one = member(1, "email", "email_2", "email_3", "phone", "phone_2", *ADDRESS)
    hexes = {name: cell.hex() for name, cell in one.items()}
    address = [hexes[name] for name in ADDRESS]
    assert data(wire_rows(batch(Operation.ADD, [one]).rows)) == [
        [hexes["email"], hexes["phone"], *address, *NOTHING],
        [hexes["email_2"], hexes["phone_2"], *address, *NOTHING],
        [hexes["email_3"], hexes["phone"], *address, *NOTHING],
    ]


def test_the_declared_rows_fit_whoever_the_members_are() -> None:
    most = [member(number, *ROW_COLUMNS, plain=IDS) for number in range(2)]
    expanded = len(wire_rows(batch(Operation.ADD, most).rows).members) // 2
    assert MAX_ROWS * expanded <= WIRE_ROWS


def test_an_address_alone_is_one_row_and_otherwise_rides_along() -> None:
    rows = batch(Operation.ADD, [member(1, *ADDRESS), member(2, *ADDRESS, "email_3")]).rows
    alone, along = data(wire_rows(rows))
    assert alone[:2] == ["", ""]
    assert all(along[2:6])


def test_ids_travel_as_they_are_in_every_row_of_their_member() -> None:
    """Hashed, neither matches anybody."""
    one = member(1, "email", "email_2", *ID_CELLS, plain=IDS)
    alone = member(2, "external_id", plain=IDS)
    sent = data(wire_rows(batch(Operation.ADD, [one, alone]).rows))
    ids = ["00000000-0000-0000-0000-000000000002", "1001AB"]
    assert [row[6:8] for row in sent] == [ids, ids, ["", "1002AB"]]


def test_details_travel_in_every_row_of_their_member_and_never_alone() -> None:
    one = member(1, "email", "email_2", *DETAIL_CELLS)
    sent = data(wire_rows(batch(Operation.ADD, [one]).rows))
    expected = {
        "FI": one["first_initial"],
        "CT": one["city"],
        "ST": one["state"],
        "DOBY": one["birth_year"],
        "DOBM": one["birth_month"],
        "DOBD": one["birth_day"],
        "GEN": one["gender"],
    }
    for row in sent:
        cells = dict(zip(SCHEMA, row, strict=True))
        assert {key: cells[key] for key in expected} == {k: v.hex() for k, v in expected.items()}
    assert len(sent) == 2
    with pytest.raises(ValueError, match="row 0 of the batch"):
        wire_rows(batch(Operation.ADD, [member(1, *DETAIL_CELLS)]).rows)


def test_parts_of_an_address_are_not_sent() -> None:
    rows = batch(Operation.ADD, [member(1, "email", "given_name", "country")]).rows
    (row,) = data(wire_rows(rows))
    assert row[1:] == ["", *[""] * 4, *NOTHING]


def test_a_member_without_identifiers_is_a_bug_of_ours() -> None:
    with pytest.raises(ValueError, match="row 1 of the batch"):
        wire_rows(batch(Operation.ADD, [member(1), member(2, "given_name")]).rows)


SENT = wire_rows(
    batch(
        Operation.ADD,
        [member(1, "email"), member(2, "email", "email_2"), member(3, "email"), member(4, "email")],
    ).rows
)
ROWS = data(SENT)
ROW = ROWS[0]
INVALID = "invalid_entry"


@pytest.mark.parametrize(
    ("invalid", "samples", "expected"),
    [
        (0, [ROW], ()),
        (1, [ROW], (Refusal(0, INVALID),)),
        (1, {"0": json.dumps(ROW)}, (Refusal(0, INVALID),)),
        (1, {ROW[0]: "bad hash"}, (Refusal(0, INVALID),)),
        (1, [ROW[0]], (Refusal(0, INVALID),)),
        (2, ROWS[1:3], (Refusal(1, INVALID),)),
        (2, [ROW], (Refusal(0, INVALID), Refusal(None, INVALID))),
        (1, [], (Refusal(None, INVALID),)),
        (1, None, (Refusal(None, INVALID),)),
        (1, ["unheard of", "[1"], (Refusal(None, INVALID),)),
        (900, [], (Refusal(None, INVALID, 4),)),
    ],
)
def test_refused_rows_are_named_where_samples_show_them_and_counted_otherwise(
    invalid: int, samples: object, expected: tuple[Refusal, ...]
) -> None:
    """Samples come as an array or a map; the count is documented as not exact."""
    assert refusals(invalid, samples, SENT) == expected


def test_a_sample_that_fits_two_members_names_neither() -> None:
    """A family's phone."""
    shared = {"phone": member(9, "phone")["phone"]}
    rows = batch(
        Operation.ADD, [{**member(1, "email"), **shared}, {**member(2, "email"), **shared}]
    )
    found = refusals(1, [[shared["phone"].hex()]], wire_rows(rows.rows))
    assert found == (Refusal(None, INVALID),)


def test_what_was_not_sent_of_an_address_names_nobody() -> None:
    one = member(1, "email", "given_name")
    sent = wire_rows(batch(Operation.ADD, [one, member(2)]).rows)
    assert refusals(1, [[one["given_name"].hex()]], sent) == (Refusal(None, INVALID),)
    assert refusals(1, [[one["email"].hex()]], sent) == (Refusal(0, INVALID),)


def test_rows_and_samples_stay_out_of_a_repr() -> None:
    assert ROW[0] not in repr(SENT)
    assert repr(SENT.payload) == "Quoted()"
