"""Whom a plan concerns, by the files as they are: see `syncd.membership.sifting`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from syncd.membership import sieve, sifting
from syncd.membership.members import Members
from syncd.membership.sifting import EVERYONE, Sifted, of_plan
from syncd.model import ConsentRule, Refresh
from tests.unit.membership_oracle import opened
from tests.unit.membership_world import MembershipWorld, Person, crowd


@dataclass(frozen=True)
class Concerned:
    """Whom a plan concerns, by their keys too."""

    found: Sifted
    names: set[str]
    new: list[str]


NOBODY = np.zeros(1, np.bool_)  # whatever rows there are


def sifted(
    world: MembershipWorld,
    members: Mapping[str, Person],
    refresh: Refresh | None = None,
    consent: ConsentRule | None = None,
) -> Concerned:
    """Whom a plan concerns, by the world's files as they are."""
    asked, last = world.comparison(members, refresh=refresh), world.generation
    asked = replace(asked, consent=consent or asked.consent)
    assert last is not None
    with (
        opened(world, asked.snapshot.path, asked.snapshot.checksum) as snapshot,
        opened(world, last.path, last.checksum) as generation,
    ):
        everyone = Members(snapshot, generation)
        found = of_plan(asked, everyone, generation, ())
        (part,) = found.parts
        return Concerned(
            found,
            names={key for _, rows in everyone.of(part.members, part.rows) for key in keys(rows)},
            new=[key for _, rows in everyone.of(found.new, NOBODY) for key in keys(rows)],
        )


def keys(rows: pa.RecordBatch) -> list[str]:
    return [key.decode() for key in rows["key"].to_pylist()]


@pytest.mark.parametrize("at_once", [0, 20_000])
def test_a_plan_concerns_whom_a_change_reaches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """Of a hundred: one changed, one left, one denies, one is new in a family, one a stranger."""
    monkeypatch.setattr(sieve, "BATCH_ROWS", at_once)
    world, before = MembershipWorld(tmp_path), crowd(100)
    world.run(before)
    assert sifted(world, before).names == set()

    after = {key: one for key, one in before.items() if key != "m020"}
    after["m010"] = replace(after["m010"], emails=(900,))  # shares a phone with m011
    after["m033"] = replace(after["m033"], consent=2)
    after["m200"] = Person((200,), (41,))  # which is m040's and m041's
    after["m201"] = Person((201,), (201,))
    concerned = sifted(world, after)
    found = concerned.found

    family = {"m010", "m011", "m021", "m033", "m040", "m041", "m200"}
    assert concerned.names == family
    assert concerned.new == ["m201"]
    (part,) = found.parts
    assert part.rows is not None
    assert part.rows.sum() == 7  # those of the six, and of who left
    assert (found.read, found.wanted, dict(found.lost)) == (94, 94, {})


def test_a_detail_that_changed_concerns_its_member_alone(tmp_path: Path) -> None:
    world, before = MembershipWorld(tmp_path), crowd(30)
    world.run(before)

    after = before | {"m007": replace(before["m007"], city=9)}

    assert sifted(world, after).names == {"m007"}


@pytest.mark.parametrize("counted", [1, 2, 1 << 20])
def test_who_is_kept_out_and_was_never_sent_concerns_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counted: int
) -> None:
    """But one whose phone is there does: it may have to go. So many are counted at a time."""
    monkeypatch.setattr(sifting, "_COUNTED", counted)
    world, before = MembershipWorld(tmp_path), crowd(10)
    world.run(before)

    after = before | {"n1": Person((501,), (501,), 2), "n2": Person((502,), (3,), 2)}
    after |= {"n3": Person((503,), held_out=True), "n4": Person((504,), (504,), 2)}
    concerned = sifted(world, after)
    found = concerned.found

    assert concerned.names == {"n2", "m003"}
    assert (found.read, found.wanted, dict(found.lost)) == (12, 9, {"denied": 2, "held out": 1})


def test_who_is_not_granted_goes_by_the_key_alone(tmp_path: Path) -> None:
    """What such a member has is not wanted, and not denied: it joins nobody to anybody."""
    world = MembershipWorld(tmp_path)
    granted = ConsentRule(granted_only=True, granted_in_region=False)
    before = crowd(10)
    world.run(before)

    after = before | {"n1": Person((501,), (3,), 0), "m007": replace(before["m007"], consent=0)}
    concerned = sifted(world, after, consent=granted)
    found = concerned.found

    assert concerned.names == {"m007"}
    assert (found.read, found.wanted, dict(found.lost)) == (10, 9, {"not granted": 1})


def test_who_is_held_out_goes_by_the_key_alone(tmp_path: Path) -> None:
    """As who is not granted: nobody who shares a phone with the control is touched for it."""
    world = MembershipWorld(tmp_path)
    before = crowd(10)
    world.run(before)

    after = before | {
        "n1": Person((501,), (3,), held_out=True),
        "m007": replace(before["m007"], held_out=True),
    }
    concerned = sifted(world, after)
    found = concerned.found

    assert concerned.names == {"m007"}
    assert (found.read, found.wanted, dict(found.lost)) == (10, 9, {"held out": 1})
    assert world.run(after).counts.lost == {"held out": 2}


def test_everyone_whose_turn_it_is_is_concerned(tmp_path: Path) -> None:
    """A day of three: some of thirty; all three days: all of them."""
    world, members = MembershipWorld(tmp_path), crowd(30)
    world.run(members)

    days = [
        sifted(world, members, refresh=Refresh(3, after=d, until=d + 1)).names
        for d in range(20_000, 20_003)
    ]

    assert all(days)
    assert set().union(*days) == set(members)


def test_a_full_resync_and_changed_rules_concern_everyone(tmp_path: Path) -> None:
    world, members = MembershipWorld(tmp_path), crowd(10)
    world.run(members)
    asked = world.comparison(members, full=True)
    world.rules = "salted"
    moved = world.comparison(members)
    assert world.generation is not None

    with opened(world, world.generation.path, world.generation.checksum) as last:
        for one in (asked, moved):
            with opened(world, one.snapshot.path, one.snapshot.checksum) as snapshot:
                assert of_plan(one, Members(snapshot, last), last, ()) is EVERYONE
