"""What a sweep takes while other threads write: never what they are about to name."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from syncd.membership.leftovers import Leftovers


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).touch()


def there(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_what_no_row_names_goes_and_all_else_stays(tmp_path: Path) -> None:
    put(tmp_path, "a.plan", "b.plan", "c.snapshot", ".d.members.tmp", "ledger.db", "lock")
    assert Leftovers(tmp_path).sweep(lambda: frozenset({"a.plan"})) == 3
    assert there(tmp_path) == {"a.plan", "ledger.db", "lock"}


@pytest.mark.parametrize("name", ["s1.snapshot", ".s1.snapshot.tmp"])
def test_what_another_run_writes_stays_until_that_run_is_over(tmp_path: Path, name: str) -> None:
    leftovers = Leftovers(tmp_path)
    put(tmp_path, name)
    written, over = threading.Event(), threading.Event()

    def run() -> None:
        leftovers.written("s1.snapshot")
        written.set()
        assert over.wait(20)
        leftovers.let_go()

    other = threading.Thread(target=run)
    other.start()
    assert written.wait(20)
    leftovers.let_go()  # of this thread, which wrote nothing
    assert leftovers.sweep(frozenset) == 0
    over.set()
    other.join(20)
    assert leftovers.sweep(frozenset) == 1


def test_what_is_set_aside_for_another_run_stays_till_that_is_over(tmp_path: Path) -> None:
    """Whatever else ends meanwhile on the thread that wrote it."""
    leftovers = Leftovers(tmp_path)
    leftovers.written("s1.snapshot")
    put(tmp_path, "s1.snapshot", "s2.snapshot")
    leftovers.set_aside("s1.snapshot")
    leftovers.let_go()
    assert leftovers.sweep(frozenset) == 1
    leftovers.written("s1.snapshot")  # by the run that takes it
    leftovers.let_go()
    assert leftovers.sweep(frozenset) == 1


def test_what_is_discarded_is_gone_whether_it_was_there_or_not(tmp_path: Path) -> None:
    leftovers = Leftovers(tmp_path)
    put(tmp_path, "s1.snapshot", "s2.snapshot")
    leftovers.set_aside("s1.snapshot")
    leftovers.discard("s1.snapshot")
    leftovers.discard("s1.snapshot")
    assert there(tmp_path) == {"s2.snapshot"}
    put(tmp_path, "s1.snapshot")
    assert leftovers.sweep(frozenset) == 2, "nobody waits for it any more"


def test_what_the_same_run_left_is_swept_as_ever(tmp_path: Path) -> None:
    leftovers = Leftovers(tmp_path)
    leftovers.written("s1.snapshot")
    put(tmp_path, "s1.snapshot")
    assert leftovers.sweep(frozenset) == 1


def test_what_is_named_and_let_go_of_while_a_sweep_looks_stays(tmp_path: Path) -> None:
    """The ledger is asked last: else it would not know yet what the look still saw."""
    leftovers, rows = Leftovers(tmp_path), set[str]()
    put(tmp_path, "p1.plan")

    def another_run_ends() -> frozenset[str]:
        put(tmp_path, "p2.plan")  # after the look
        rows.add("p1.plan")
        return frozenset(rows)

    assert leftovers.sweep(another_run_ends) == 0
    assert there(tmp_path) == {"p1.plan", "p2.plan"}


def test_an_erasure_that_another_process_is_writing_stays(tmp_path: Path) -> None:
    put(tmp_path, ".e1.erasure.tmp", "e1.erasure")
    leftovers = Leftovers(tmp_path)
    assert leftovers.sweep(frozenset) == 0
    leftovers.sweep_given(frozenset())
    assert there(tmp_path) == {".e1.erasure.tmp", "e1.erasure"}
