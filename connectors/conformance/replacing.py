"""The cases for platforms that can replace a whole audience; `Capabilities.replace` says how."""

# ruff: noqa: S101  -- these are tests, importable ones

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from connectors.conformance.rig import FaultName, Member, Rig, batch, identifiers, member
from syncd.errors import PlatformError, RequestRefused, Throttled, Unavailable
from syncd.model import Operation
from syncd.ports import Connector, Cuts, Replaces

OLD = [member(number) for number in (1, 2)]
NEW = [member(number) for number in (2, 3, 4)]


class ReplacingContract:
    """What a connector owes that can replace; a part of `ConnectorContract`."""

    def test_its_way_to_replace_is_one_of_those_there_are(self, rig: Rig) -> None:
        """By a session, by a cut-off, or not at all."""
        assert rig.platform.capabilities.replace in ("", "session", "cutoff")

    def test_a_replacement_drops_everyone_and_loads_its_rows(self, rig: Rig) -> None:
        """Whoever else was in it is out, and it says when it is done."""
        connector, audience = _session(rig)
        assert connector.replacing(audience) == "done"
        upload = connector.replace(audience, rows=3)
        assert upload.label
        for number, one in enumerate(NEW):
            last = number == len(NEW) - 1
            assert upload.push(batch(Operation.ADD, [one], f"b{number}"), last=last).received == 1
        rig.settle()
        assert connector.replacing(audience) == "done"
        assert rig.identifiers(audience) == identifiers(NEW)

    def test_an_audience_that_is_being_replaced_takes_no_other_change(self, rig: Rig) -> None:
        """Not until its last batch came."""
        connector, audience = _session(rig)
        upload = connector.replace(audience, rows=3)
        upload.push(batch(Operation.ADD, NEW[:1]), last=False)
        assert connector.replacing(audience) == "running"
        another = rig.connect()
        for operation, other in (
            (Operation.ADD, another.open(audience, Operation.ADD, rows=1)),
            (Operation.REMOVE, another.open(audience, Operation.REMOVE, rows=1)),
            (Operation.ADD, cast("Replaces", another).replace(audience, rows=1)),
        ):
            with pytest.raises(PlatformError):
                other.push(batch(operation, OLD[:1]), last=True)
        upload.push(batch(Operation.ADD, NEW[1:]), last=True)
        rig.settle()
        assert rig.identifiers(audience) == identifiers(NEW)

    @pytest.mark.parametrize("name", ["unavailable", "reset_before", "reset_after", "malformed"])
    def test_a_replacement_never_begins_twice(self, rig: Rig, name: FaultName) -> None:
        """After a first batch of unknown outcome nothing more goes out."""
        connector, audience = _session(rig)
        upload = connector.replace(audience, rows=3)
        rig.fault(name)
        with pytest.raises(Unavailable):
            upload.push(batch(Operation.ADD, NEW[:1]), last=False)
        rig.settle()
        before, held = rig.requests(), rig.identifiers(audience)
        with pytest.raises(PlatformError) as caught:
            upload.push(batch(Operation.ADD, NEW[:1]), last=True)
        assert not isinstance(caught.value, Unavailable | Throttled), "that would be sent again"
        assert (rig.requests(), rig.identifiers(audience)) == (before, held)

    @pytest.mark.parametrize("name", ["unavailable", "reset_before", "reset_after", "throttled"])
    def test_a_later_batch_of_a_replacement_may_be_sent_again(
        self, rig: Rig, name: FaultName
    ) -> None:
        """In the same session, and others follow it."""
        connector, audience = _session(rig)
        upload = connector.replace(audience, rows=3)
        upload.push(batch(Operation.ADD, NEW[:1], "b1"), last=False)
        rig.fault(name)
        with pytest.raises((Unavailable, Throttled)):
            upload.push(batch(Operation.ADD, NEW[1:2], "b2"), last=False)
        assert upload.push(batch(Operation.ADD, NEW[1:2], "b2"), last=False).received == 1
        assert upload.push(batch(Operation.ADD, NEW[2:], "b3"), last=True).received == 1
        rig.settle()
        assert rig.identifiers(audience) == identifiers(NEW)

    def test_a_cut_takes_out_whoever_was_last_added_before(self, rig: Rig) -> None:
        """And leaves in who was added, or added again, since."""
        connector, audience = _cutoff(rig)
        before = datetime.now(UTC)
        _add(rig, audience, NEW)
        for _ in range(2):
            receipt = connector.cut(audience, before)
            assert (receipt.received, receipt.final) == (0, False)
            assert receipt.reference
            assert cast("Connector", connector).outcome(receipt.reference).state == "processing"
            rig.settle()
            assert cast("Connector", connector).outcome(receipt.reference).state == "processed"
            assert rig.identifiers(audience) == identifiers(NEW)

    def test_a_cut_that_lands_late_takes_out_nobody_who_was_added_since(self, rig: Rig) -> None:
        """Whatever the order in which the platform works."""
        connector, audience = _cutoff(rig)
        connector.cut(audience, datetime.now(UTC))
        upload = rig.connect().open(audience, Operation.ADD, rows=len(NEW))
        upload.push(batch(Operation.ADD, NEW), last=True)
        rig.settle()
        assert rig.identifiers(audience) == identifiers(NEW)

    def test_a_cut_in_the_future_is_refused(self, rig: Rig) -> None:
        """It would take out who is added meanwhile."""
        connector, audience = _cutoff(rig)
        with pytest.raises(RequestRefused):
            connector.cut(audience, datetime.now(UTC) + timedelta(hours=1))
        rig.settle()
        assert rig.identifiers(audience) == identifiers(OLD)

    @pytest.mark.parametrize("name", ["throttled", "unavailable", "malformed", "reset_after"])
    def test_a_cut_that_fails_says_so_and_can_be_asked_again(
        self, rig: Rig, name: FaultName
    ) -> None:
        """In one request, as every push."""
        connector, audience = _cutoff(rig)
        before = datetime.now(UTC)
        rig.fault(name)
        asked = rig.requests()
        with pytest.raises((Throttled, Unavailable)):
            connector.cut(audience, before)
        assert rig.requests() == asked + 1
        connector.cut(audience, before)
        rig.settle()
        assert rig.identifiers(audience) == frozenset()


def _session(rig: Rig) -> tuple[Replaces, str]:
    """A connector that replaces by a session, and an audience with others in it."""
    if rig.platform.capabilities.replace != "session":
        pytest.skip("this platform does not replace an audience by a session")
    return cast("Replaces", rig.connect()), _old(rig)


def _cutoff(rig: Rig) -> tuple[Cuts, str]:
    """A connector that takes out who was added before a moment, likewise."""
    if rig.platform.capabilities.replace != "cutoff":
        pytest.skip("this platform does not take out whoever was added before a moment")
    return cast("Cuts", rig.connect()), _old(rig)


def _old(rig: Rig) -> str:
    audience = rig.connect().create("whales").id
    _add(rig, audience, OLD)
    return audience


def _add(rig: Rig, audience: str, members: Sequence[Member]) -> None:
    upload = rig.connect().open(audience, Operation.ADD, rows=len(members))
    upload.push(batch(Operation.ADD, members), last=True)
    rig.settle()
