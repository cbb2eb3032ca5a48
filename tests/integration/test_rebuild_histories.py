"""Whole histories that a ledger or its files forget: a rebuild and good runs find their way.

Nobody who is wanted is missing afterwards. Whoever is there and not wanted was pushed in
the time that is lost; where the files still know that time, nobody is.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.sandbox.state import Identifier
from syncd.model import Operation
from syncd.sync import Result
from tests.integration.memory_worlds import MemoryWorlds, Person, memory_world
from tests.integration.rebuilding import (
    backed_up,
    copied_var,
    put_back,
    rebuilt,
    swap_ledger,
    swap_var,
)
from tests.integration.rule_versions import SHIPPED
from tests.integration.test_histories import Chapter, chapters, live, somebody

Apart = Literal["backup", "old ledger", "old directory", "no directory"]
APART: tuple[Apart, ...] = ("backup", "old ledger", "old directory", "no directory")

same_rules = chapters.map(lambda chapter: replace(chapter, rules=SHIPPED))
STORY = {
    "before": st.lists(same_rules, max_size=2),
    "lost": st.lists(same_rules, min_size=1, max_size=2),
    "members": somebody,
    "apart": st.sampled_from(APART),
}


def take(here: MemoryWorlds, apart: Apart, folder: Path) -> Callable[[], None]:
    """Copy what will be put back; returns what puts it back."""
    if apart == "backup":
        backed_up(here, folder / "backup")
        return lambda: put_back(here, folder / "backup")
    if apart == "old ledger":
        here.world.ledger.close()
        shutil.copy(here.world.folder / "ledger.db", folder / "old.db")
        here.world.restart()
        return lambda: swap_ledger(here, folder / "old.db")
    if apart == "old directory":
        old = copied_var(here, folder / "var")
        return lambda: swap_var(here, old)
    return lambda: swap_var(here, None)


def finds_its_way(
    before: list[Chapter],
    lost: list[Chapter],
    members: dict[str, Person],
    apart: Apart,
    *,
    later: bool,
) -> None:
    """Live, forget the last of it, rebuild, and run until nothing is to be sent."""
    with memory_world(later=later) as here, tempfile.TemporaryDirectory() as folder:
        here.run({"z": Person(("first@example.com",))})
        here.process()
        for chapter in before:
            live(here, chapter)
        forget = take(here, apart, Path(folder))
        since = 0 if apart in {"old directory", "no directory"} else len(here.world.sent)
        for chapter in lost:
            live(here, chapter)
        here.process()  # what is under way and unknown may undo what follows
        forget()
        rebuilt(here)
        extra = frozenset[Identifier]()
        if apart == "old ledger":
            here.world.check()
        else:
            pushed = [each for each in here.world.sent[since:] if each.operation is Operation.ADD]
            extra = extra.union(*(row for push in pushed for row in push.rows))
        for hours in (0, 49):
            here.world.clock.pass_by(hours=hours)
            rests(here, members)
            assert here.world.identifiers - here.world.expected() <= extra
            here.world.check_nobody_missed()
        assert here.world.ledger.verify().ok


def rests(here: MemoryWorlds, members: dict[str, Person]) -> None:
    """Good runs until one sends nothing."""
    for _ in range(5):
        here.process()
        before = len(here.world.sent)
        found = here.run(members)
        assert isinstance(found, Result), found
        if here.world.sent[before:] == [] and not here.remote.pending:
            return
    pytest.fail("there is always something to send")


@pytest.mark.slow
@given(**STORY)
@settings(max_examples=15, deadline=None, derandomize=True, print_blob=True)
def test_after_any_loss_a_platform_that_works_at_once_misses_nobody(
    before: list[Chapter], lost: list[Chapter], members: dict[str, Person], apart: Apart
) -> None:
    finds_its_way(before, lost, members, apart, later=False)


@pytest.mark.slow
@given(**STORY)
@settings(max_examples=15, deadline=None, derandomize=True, print_blob=True)
def test_after_any_loss_a_platform_that_works_later_misses_nobody(
    before: list[Chapter], lost: list[Chapter], members: dict[str, Person], apart: Apart
) -> None:
    finds_its_way(before, lost, members, apart, later=True)
