"""A generation in two files shows what a whole one does, and costs what changed."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from syncd.errors import LedgerMismatch
from syncd.membership import blocks, layers
from syncd.membership.blocks import BlockReader
from syncd.membership.carrying import HELD, Source
from syncd.membership.layers import ALIGNED, SAID, Layering, Layers, open_generation
from syncd.membership.overlay import Overlay
from syncd.membership.rest import moving
from syncd.membership.unchanged import Respelled
from syncd.model import Base, Generation
from tests.bench.membership import Bench
from tests.layerings import IN_TURN, LAYERED, WHOLE
from tests.unit.membership_oracle import Held, held, named, opened
from tests.unit.membership_world import SETTLE, Ending, MembershipWorld, Person, crowd
from tests.unit.test_membership import endings, hours, segments, versions

KEY = bytes(32)
HISTORIES = st.lists(
    st.tuples(segments, endings, hours, versions, st.booleans()), min_size=2, max_size=5
)


def shown(world: MembershipWorld) -> tuple[object, ...]:
    """A generation's rows with all that is said of them, whatever their order; and its sizes."""
    last = world.generation
    if last is None:
        return ()
    with opened(world, last.path, last.checksum) as file:
        stirred, every = moving(file), np.arange(file.rows("rows"))
        assert stirred is not None
        rows = [
            (row["key"], named(row), row["city"], row["current"], row["fingerprint_high"],
             row["fingerprint_low"], bool(stirred[place]))
            for at, batch in Source(file, HELD).some(every)
            for place, row in zip(at, batch.to_pylist(), strict=True)
        ]  # fmt: skip
    whole: Held = held(world)
    sizes = (last.sizes.members, dict(last.sizes.identifiers), last.sizes.refused)
    return sorted(rows, key=repr), whole.states, whole.outdated, sizes, last.number, last.rules


Lived = list[tuple[dict[str, Person], list[Ending], int, str, bool]]


def alike(history: Lived, layering: Layering) -> None:
    """Live through a history twice, once in whole generations: each step shows the same."""
    with tempfile.TemporaryDirectory() as directory:
        worlds = []
        for name, way in (("whole", WHOLE), ("layered", layering)):
            folder = Path(directory) / name
            folder.mkdir()
            # One batch a phase: the order of rows is not the same, and which is lost must be.
            worlds.append(MembershipWorld(folder, batch_rows=100, respells=3, layering=way))
        for members, ends, passed, rules, full in history:
            for world in worlds:
                world.rules = rules
                world.run(members, ends, full=full)
                world.now += timedelta(hours=passed)
            whole, layered = worlds
            assert shown(layered) == shown(whole)
            assert layered.platform.identifiers == whole.platform.identifiers


# Of eight an e-mail changes and one leaves; who left comes back, another leaves and settles.
EIGHT = crowd(8)
SOME = {**EIGHT, "m002": Person((20,), (2,), city=2)}
DAYS: Lived = [
    (EIGHT, [], 1, "plain", False),
    ({key: one for key, one in SOME.items() if key != "m004"}, [], 1, "plain", False),
    (SOME, [], 1, "plain", False),
    ({key: one for key, one in SOME.items() if key != "m007"}, [], 50, "plain", False),
    ({key: one for key, one in EIGHT.items() if key != "m007"}, ["lost"], 1, "plain", False),
    (EIGHT, [], 50, "plain", False),
    (EIGHT, [], 1, "plain", False),
]


@example(history=DAYS, layering=LAYERED)
@given(history=HISTORIES, layering=st.sampled_from([LAYERED, IN_TURN]))
@settings(max_examples=15, deadline=None)
def test_a_generation_in_two_files_shows_what_a_whole_one_does(
    history: Lived, layering: Layering
) -> None:
    """Rows, states, fingerprints and sizes, after each step of any history."""
    alike(history, layering)


def not_turned(patch: pytest.MonkeyPatch) -> None:
    """A member's earlier row in the base passes for the last one too."""
    patch.setattr(layers, "_turned", lambda rows, _: rows)


def never_dead(patch: pytest.MonkeyPatch) -> None:
    """Rows that were dropped come back with the base."""
    patch.setattr(Overlay, "_leave", lambda *_: None)


def all_at_rest(patch: pytest.MonkeyPatch) -> None:
    """Rows of the base that move are not said to."""
    patch.setattr(Overlay, "stir", lambda *_: None)


def forgotten_overlay(patch: pytest.MonkeyPatch) -> None:
    """Rows at rest of the overlay before are not taken along."""
    patch.setattr(Overlay, "resting", lambda _, rests: np.zeros_like(rests))


def old_fingerprints(patch: pytest.MonkeyPatch) -> None:
    """Rows of the base that are spelled otherwise now stay as they are."""
    begin = Overlay.__init__

    def deaf(self: Overlay, before: BlockReader, _: Respelled, *, most: int) -> None:
        begin(self, before, Respelled.of([]), most=most)

    patch.setattr(Overlay, "__init__", deaf)


@pytest.mark.parametrize(
    "plant", [not_turned, never_dead, all_at_rest, forgotten_overlay, old_fingerprints]
)
def test_a_fault_in_what_is_read_of_two_files_is_found(
    plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What holds of these days does not, once the fault is in."""
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        alike(DAYS, LAYERED)


def layers_of(world: MembershipWorld) -> Generation:
    """Its generation, which lies over another."""
    assert world.generation is not None
    assert world.generation.base is not None
    return world.generation


def two_files(tmp_path: Path) -> MembershipWorld:
    world, members = MembershipWorld(tmp_path), crowd(30)
    world.run(members)
    world.run({**members, "m031": Person((31,))})
    return world


def test_overlays_are_of_one_base_and_hold_all_since(tmp_path: Path) -> None:
    """Each replaces the one before it: the two newest files are all that is needed."""
    world, members = MembershipWorld(tmp_path), crowd(30)
    world.run(members)
    first = world.generation
    assert first is not None
    assert first.base is None
    for n in range(31, 35):
        members[f"m{n:03}"] = Person((n,), (n,))
        del members[f"m{n - 30:03}"]
        world.run(members)
        assert layers_of(world).base == Base(first.path, first.checksum)
    before = len(world.sent)
    for path in tmp_path.iterdir():
        if path.name not in {first.path, layers_of(world).path}:
            path.unlink()
    world.run(members)
    assert world.sent[before:] == []


@pytest.mark.parametrize("which", ["base", "overlay"])
def test_a_missing_or_changed_file_of_two_is_told_with_the_way_on(
    tmp_path: Path, which: str
) -> None:
    """As of one: nothing is compared with half a membership."""
    world = two_files(tmp_path)
    last = layers_of(world)
    path = tmp_path / (last.base.path if which == "base" and last.base else last.path)
    content = path.read_bytes()

    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(
        LedgerMismatch, match=rf"^{path.name} is not what was written.*`syncd rebuild`"
    ):
        world.run(crowd(30))
    path.unlink()
    with pytest.raises(LedgerMismatch, match=rf"^{path.name} is missing; .*`syncd rebuild`"):
        world.run(crowd(30))


def test_an_overlay_over_another_base_is_refused(tmp_path: Path) -> None:
    """Even where both files are whole: the ledger's row and the overlay's header must agree."""
    world = two_files(tmp_path)
    last = layers_of(world)
    other = replace(last, base=Base(last.path, last.checksum))
    with pytest.raises(LedgerMismatch, match=rf"^{last.path} does not lie over {last.path}"):
        open_generation(tmp_path, other, key=KEY)


# --- what it costs ------------------------------------------------------------------

# Bytes of an overlay whatever it says: a section's first block brings its schema, of thirty
# columns for rows, and the index a line a block.
HEAD = 8_000
MOST = 300  # bytes a changed member


def test_a_change_writes_what_changed(tmp_path: Path) -> None:
    """Of 100,000 members at rest 100 get another e-mail: each is some hundred bytes, not 150 kB."""
    members, changed = 100_000, 100
    bench = Bench(tmp_path, members)
    first = bench.fold(bench.plan(bench.snapshot(0), None), None)
    whole = (tmp_path / first.path).stat().st_size
    bench.change(changed)
    plan = bench.plan(bench.snapshot(0, first), first)
    assert (plan.counts.again, plan.counts.removals) == (changed, changed)
    last = bench.fold(plan, first)
    written = (tmp_path / last.path).stat().st_size
    assert last.base == Base(first.path, first.checksum)
    assert last.sizes == first.sizes
    assert written < HEAD + MOST * changed < whole / 100


# --- when ---------------------------------------------------------------------------


def after(tmp_path: Path, layering: Layering, *days: Mapping[str, Person]) -> MembershipWorld:
    """A world that lived through them, a day each."""
    world = MembershipWorld(tmp_path, layering=layering)
    for members in days:
        world.run(members)
        world.now += timedelta(days=1)
    return world


def joined(count: int, more: int) -> dict[str, Person]:
    return crowd(count) | {f"n{n}": Person((1000 + n,)) for n in range(more)}


@pytest.mark.parametrize(("more", "layered"), [(2, True), (3, False)])
def test_a_base_is_written_anew_once_a_share_of_it_changed(
    tmp_path: Path, more: int, *, layered: bool
) -> None:
    """A tenth of forty is four: two at first, and then as many more as that allows, or not."""
    layering = Layering(least=40, share=0.1)
    days = crowd(40), joined(40, 2), joined(40, 2 + more)
    world = after(tmp_path, layering, *days)
    assert world.generation is not None
    assert (world.generation.base is not None) is layered


def test_members_who_left_and_settled_count_as_changed(tmp_path: Path) -> None:
    """Nothing of them is written, and they lie in the base; so they are not there for long."""
    layering = Layering(least=10, share=0.15)  # six rows
    some = {key: person for key, person in crowd(40).items() if key > "m004"}
    members = {key: some[key] for key in some if key not in {"m012", "m013", "m014"}}
    world = after(tmp_path, layering, crowd(40), some, members)
    assert layers_of(world).number == 3
    world.now += timedelta(hours=49)
    world.run({**members, "n": Person((99,))})
    assert world.generation is not None
    assert world.generation.base is None
    assert world.generation.sizes.members == len(members) + 1


def test_of_an_audience_that_is_empty_nothing_is_kept(tmp_path: Path) -> None:
    """However much a base may differ: when everyone has left and settled, their rows go too."""
    world = after(tmp_path, LAYERED, crowd(10), {"n": Person((99,))}, {})
    assert layers_of(world).number == 3
    world.now += timedelta(hours=49)
    last, plans = layers_of(world), list(world.plans.values())[-1:]
    empty = world.membership.fold(
        "g", last, [(plans[0], [])], now=world.now, settled=world.now - SETTLE
    )
    assert empty.base is None
    with open_generation(tmp_path, empty, key=KEY) as file:
        assert file.rows("rows") == 0


def test_a_small_base_and_an_old_one_are_written_anew(tmp_path: Path) -> None:
    """One file is as cheap for few members; and what nobody needs does not lie for ever."""
    for name, layering in (
        ("small", Layering(least=31, share=1.0)),
        ("old", Layering(least=0, share=1.0, lasts=timedelta(days=1))),
    ):
        (tmp_path / name).mkdir()
        world = after(tmp_path / name, layering, crowd(30), joined(30, 1))
        assert world.generation is not None
        assert world.generation.base is None


def test_a_base_of_an_earlier_version_is_written_anew(tmp_path: Path) -> None:
    """One whose fingerprints are missing: lines of two files would not be of the same rows."""
    world = two_files(tmp_path)
    last = layers_of(world)
    with open_generation(tmp_path, last, key=KEY) as file:
        assert isinstance(file, Layers)
        assert LAYERED.fits(file, [], world.now)
        file.base._blocks = [one for one in file.base._blocks if one.section != "fingerprints"]
        assert not LAYERED.fits(file, [], world.now)


def test_every_section_is_read_of_both_files_or_of_the_newer_one(tmp_path: Path) -> None:
    """One with a line for each row that nobody named would be read of the overlay alone."""
    world = MembershipWorld(tmp_path)
    world.run(crowd(30))
    assert world.generation is not None
    with open_generation(tmp_path, world.generation, key=KEY) as file:
        found = {one.section for one in file._blocks}
        assert found <= {*ALIGNED, *SAID}
        assert {name for name in found if file.rows(name) == 30} == set(ALIGNED)


def test_a_view_of_two_files_is_read_by_position_as_from_the_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever rows are wanted, in files of many blocks: the same rows at the same positions."""
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 4)
    world = two_files(tmp_path)
    members = crowd(30)
    for key in ("m003", "m017", "m029"):
        del members[key]
    world.run(members)
    world.now += timedelta(hours=49)
    world.run({**members, "m040": Person((40,))})
    with open_generation(tmp_path, layers_of(world), key=KEY) as file:
        assert isinstance(file, Layers)
        assert len(file.dead) > 0
        every = [row for batch in file.batches("rows") for row in batch.to_pylist()]
        assert len(every) == file.rows("rows")
        for n, row in enumerate(every):
            at = [
                batch.slice(n - first, 1).to_pylist()
                for first, batch in file.near("rows", np.array([n]))
            ]
            assert at == [[row]]
            assert [part.to_pylist() for part in file.part("rows", n, 1)] == [[row]]
        for step in (1, 2, 3, 7):
            wanted = np.arange(step - 1, len(every), step)
            found = [
                (int(n), row)
                for at, batch in file.some("rows", wanted)
                for n, row in zip(at, batch.to_pylist(), strict=True)
            ]
            assert found == [(int(n), every[n]) for n in wanted]
