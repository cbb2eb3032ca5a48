from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sandbox.faults import Fault, FaultQueue
from connectors.sandbox.state import AudienceState, Identifier, Row, World

IDENTIFIERS = st.tuples(st.sampled_from(["email", "phone", "address"]), st.sampled_from("abcd"))
ROWS = st.frozensets(IDENTIFIERS, min_size=1, max_size=4)
HISTORIES = st.lists(
    st.tuples(st.sampled_from(["add", "remove", "clear"]), st.lists(ROWS, max_size=3)),
    max_size=12,
)
Step = tuple[Literal["add", "remove", "clear"], list[Row]]


def naive_identifiers(history: list[Step]) -> frozenset[Identifier]:
    held: set[Identifier] = set()
    for operation, rows in history:
        if operation == "clear":
            held = set()
        for row in rows if operation != "clear" else []:
            held = held | row if operation == "add" else held - row
    return frozenset(held)


def naive_persons(history: list[Step]) -> frozenset[Row]:
    persons: list[Row] = []
    for operation, rows in history:
        if operation == "clear":
            persons = []
        for row in rows if operation != "clear" else []:
            apart = [person for person in persons if not person & row]
            near = [person for person in persons if person & row]
            persons = [*apart, row.union(*near)] if operation == "add" else apart
    return frozenset(persons)


@given(HISTORIES)
def test_both_views_follow_a_naive_model_through_any_history(history: list[Step]) -> None:
    audience = AudienceState("1", "name", "act")
    for operation, rows in history:
        if operation == "add":
            audience.add(rows)
        elif operation == "remove":
            audience.remove(rows)
        else:
            audience.clear()
    assert audience.identifiers == naive_identifiers(history)
    assert audience.persons == naive_persons(history)
    assert audience.size == len(audience.persons)
    assert audience.ever_filled is any(step == "add" and rows for step, rows in history)


EMAIL, OTHER, PHONE = ("email", "aa"), ("email", "bb"), ("phone", "cc")


def test_a_removal_takes_out_everybody_who_shared_the_identifier() -> None:
    """A family's phone: the identifier view keeps the other e-mail, the person view loses it."""
    audience = AudienceState("1", "name", "act")
    audience.add([frozenset({EMAIL, PHONE}), frozenset({OTHER, PHONE})])
    audience.remove([frozenset({EMAIL})])
    assert audience.identifiers == {OTHER, PHONE}
    assert audience.persons == frozenset()


def test_a_row_without_identifiers_is_our_bug() -> None:
    with pytest.raises(ValueError, match="at least one identifier"):
        AudienceState("1", "name", "act").add([frozenset()])


def test_a_world_keeps_accounts_apart_and_lets_names_repeat() -> None:
    world = World(first_id=100)
    first, second = world.create("act_1", "whales"), world.create("act_1", "whales")
    world.create("act_2", "whales")
    assert world.named("act_1", "whales") == (first, second)
    assert first.id == "100"
    assert world.get(second.id) is second
    assert world.delete(first.id)
    assert world.get(first.id) is None
    assert not world.delete(first.id)


def test_a_world_counts_requests_and_rows() -> None:
    world = World()
    world.count("add", rows=3)
    world.count("add", rows=4)
    assert world.requests == {"add": 2}
    assert world.rows == {"add": 7}


def test_neither_an_audience_nor_its_repr_shows_a_digest() -> None:
    audience = AudienceState("1", "name", "act")
    audience.add([frozenset({("email", "f1904cf1")})])
    assert "f1904cf1" not in repr(audience)


def test_faults_befall_requests_in_the_order_scripted_and_as_often_as_told() -> None:
    queue = FaultQueue([Fault(platform="meta", method="add", times=2), Fault(code=17)])
    assert queue.take("google", "add") == Fault(code=17)
    assert queue.take("meta", "remove") is None
    taken = [queue.take("meta", "add") for _ in range(3)]
    assert [fault is not None for fault in taken] == [True, True, False]
    assert queue.waiting == ()


def test_a_fault_that_cannot_mean_anything_is_refused() -> None:
    with pytest.raises(ValueError, match="times must be 1 or more"):
        Fault(times=0)
    with pytest.raises(ValueError, match="kind must be one of error"):
        Fault(kind="typo")  # type: ignore[arg-type]  # what the control port may be told
    with pytest.raises(ValueError, match="when must be"):
        Fault(when="later")  # type: ignore[arg-type]  # as above
