"""What is not as it was holds removals: columns, the clock, a column in a new format."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from syncd.model import Refused, Snapshot, SnapshotId
from syncd.runs.changes import changes

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
BEFORE = Snapshot(
    SnapshotId("s1"), "all", "meta 2 NL", 1_000, 1_000, ("customer_key", "email", "phone"), (),
    NOON, NOON, "s1.snapshot", "",
)  # fmt: skip
LATER = replace(BEFORE, as_of=NOON + timedelta(hours=6))


def refused(**counts: int) -> tuple[Refused, ...]:
    return tuple(Refused(field, "impossible", count) for field, count in counts.items())


def test_a_snapshot_like_the_last_one_changes_nothing() -> None:
    assert changes(None, LATER) == ()
    assert changes(BEFORE, BEFORE) == ()
    assert changes(BEFORE, LATER) == ()
    turned = replace(LATER, columns=("phone", "email", "customer_key"))
    assert changes(BEFORE, turned) == ()


def test_columns_that_came_and_went_are_named() -> None:
    found = replace(LATER, columns=("customer_key", "email", "mobile"))
    assert changes(BEFORE, found) == ("the segment's columns changed: -phone +mobile",)


def test_a_clock_that_went_back_is_told() -> None:
    (said,) = changes(LATER, BEFORE)
    assert said == (
        "the snapshot is of 2026-01-01 12:00:00, older than the last one, of 2026-01-01 18:00:00 "
        "(UTC): this machine's clock went back"
    )


def test_a_column_in_a_new_format_is_told_with_both_shares() -> None:
    """A guard by number would let a tenth of the phones go, and a third in four steps."""
    before = replace(BEFORE, refused=refused(phone=20, email=500))
    now = replace(LATER, refused=refused(phone=130, email=520))
    (said,) = changes(before, now)
    assert said.startswith("130 of 1,000 rows have an unusable phone (13%, last time 2%); ")
    assert said.endswith("`syncd identity sample all` says why")


def test_a_few_refusals_are_no_sign_however_small_the_shop() -> None:
    few = replace(LATER, rows=100, refused=refused(phone=19))
    assert changes(replace(BEFORE, rows=100), few) == ()
    assert changes(BEFORE, replace(few, refused=refused(phone=20))) != ()


@given(
    was=st.integers(0, 1_000), now=st.integers(0, 1_000), parts=st.lists(st.integers(0, 300))
)  # fmt: skip
def test_a_share_is_sudden_above_ten_points(was: int, now: int, parts: list[int]) -> None:
    """However the refusals of a field are parted by reason; fewer are never a sign."""
    before = replace(BEFORE, refused=refused(phone=was))
    reasons = [min(part, max(now - sum(parts[:n]), 0)) for n, part in enumerate(parts)]
    rest = now - sum(reasons)
    split = (Refused("phone", f"reason {n}", count) for n, count in enumerate([*reasons, rest]))
    said = changes(before, replace(LATER, refused=tuple(split)))
    assert bool(said) == (now - was > 100)
