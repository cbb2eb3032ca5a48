"""What goes now: what a comparison found, and what the guard lets go.

A comparison has parts that share nothing. Each is measured, the guard looks at their sum, and
each is decided by what it says. One part alone stays in its tables from the one to the other;
several are loaded twice, so that only one is in memory at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, fields, replace
from functools import partial

import duckdb
import numpy as np

from syncd.membership import compare
from syncd.membership.held import beside, sizes, total
from syncd.membership.members import Members
from syncd.membership.sieve import Side, distinct
from syncd.membership.sifting import Part, Sifted
from syncd.model import HELD_OUT, OTHER_ARM, Comparison, PlanCounts, Sizes
from syncd.plan import held_reasons, withdrawal_reasons

# Opens the tables of a part, after `compare.find_gone`.
Load = Callable[[Part], AbstractContextManager[duckdb.DuckDBPyConnection]]


@dataclass(frozen=True, slots=True)
class _Measure:
    """What would go of a part.

    Attributes:
        leaving, withdrawn, denied, target: As `compare` measures them.
        held: What its rows as sent amount to.
        unapproved: By what a guard may hold (ordinary, denied): what no approval names of it.
        joining_control, joining_arms: Members of the leaving who are held out, or in another
            arm, now.
    """

    leaving: Sizes
    withdrawn: Sizes
    denied: Sizes
    target: Sizes
    held: Sizes
    unapproved: dict[tuple[bool, bool], int]
    joining_control: int
    joining_arms: int


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What the guard says of a comparison.

    Attributes:
        free: Ordinary removals go.
        withdrawals: So do those for denied consent.
        held: Why others do not.
        leaving, withdrawn: Who would go, in sum.
        joining_control, joining_arms: How many of them are held out, or in another arm, now.
    """

    free: bool
    withdrawals: bool
    held: tuple[str, ...]
    leaving: Sizes
    withdrawn: Sizes
    joining_control: int
    joining_arms: int


def decide(
    comparison: Comparison,
    sifted: Sifted,
    members: Members,
    load: Load,
    write: Callable[[duckdb.DuckDBPyConnection], None],
) -> tuple[PlanCounts, tuple[str, ...]]:
    """Ask the guard, choose what goes now, and write it; the numbers, and why the rest does not.

    Args:
        comparison: As asked.
        sifted: Whom it concerns.
        members: The snapshot.
        load: Opens a part.
        write: Writes what was chosen of a part.
    """
    several = len(sifted.parts) > 1
    with ExitStack() as kept:
        if not several:
            load = _once(kept.enter_context(load(sifted.parts[0])))
        measures = []
        for part in sifted.parts:
            with load(part) as database:
                measures.append(_measure(database, comparison, several=several))
        target = partial(_target, comparison, sifted, members, measures)
        verdict = _verdict(comparison, measures, target)
        counts = []
        for part in sifted.parts:
            with load(part) as database:
                counts.append(_choose(database, comparison, verdict))
                write(database)
    return _summed(sifted, verdict, counts), verdict.held


def _choose(
    database: duckdb.DuckDBPyConnection, comparison: Comparison, verdict: _Verdict
) -> PlanCounts:
    """Choose what goes of a part; the numbers of it, but for who would go."""
    compare.choose(database, comparison, free=verdict.free, withdrawals=verdict.withdrawals)
    nobody = Sizes()
    return compare.counts(database, removes=comparison.removes, leaving=nobody, withdrawn=nobody)


def _summed(sifted: Sifted, verdict: _Verdict, counts: Sequence[PlanCounts]) -> PlanCounts:
    """The numbers of all parts and of whom none holds."""
    added = int(np.count_nonzero(sifted.new))
    rest = PlanCounts(
        snapshot=sifted.read,
        wanted=sifted.wanted,
        additions=added,
        again=0,
        removals=0,
        unchanged=sifted.wanted - added,
        respelled=len(sifted.respelled.at),
        joining_control=verdict.joining_control,
        joining_arms=verdict.joining_arms,
        lost=sifted.lost,
    )
    every = [rest, *counts]
    numbers = {
        one.name: sum(getattr(each, one.name) for each in every)
        for one in fields(PlanCounts)
        if isinstance(getattr(rest, one.name), int)
    }
    lost = sum((Counter(each.lost) for each in every), Counter[str]())
    return replace(
        rest,
        **numbers,
        leaving=verdict.leaving,
        withdrawn=verdict.withdrawn,
        lost=dict(sorted(lost.items())),
    )


def _once(database: duckdb.DuckDBPyConnection) -> Load:
    @contextmanager
    def load(_: Part) -> Iterator[duckdb.DuckDBPyConnection]:
        yield database

    return load


def _measure(
    database: duckdb.DuckDBPyConnection, comparison: Comparison, *, several: bool
) -> _Measure:
    leaving, withdrawn = compare.leaving(database), compare.withdrawn(database)
    # What the audience will hold is asked for only where anybody leaves, which the others may.
    asked = several or leaving != Sizes()
    goes = comparison.removes and leaving.members
    return _Measure(
        leaving=leaving,
        withdrawn=withdrawn,
        denied=compare.withdrawn(database, denied=True) if withdrawn.members else withdrawn,
        target=compare.target(database) if asked else Sizes(),
        held=sizes(database) if asked else Sizes(),
        unapproved={
            which: compare.unapproved(database, ordinary=which[0], denied=which[1])
            for which in ((True, True), (True, False), (False, True))
            if comparison.approved
        },
        joining_control=compare.joining(database, HELD_OUT) if goes else 0,
        joining_arms=compare.joining(database, OTHER_ARM) if goes else 0,
    )


def _verdict(
    comparison: Comparison, measures: Sequence[_Measure], target: Callable[[], Sizes]
) -> _Verdict:
    leaving = total(*(each.leaving for each in measures))
    withdrawn = total(*(each.withdrawn for each in measures))
    reference, guard = comparison.reference, comparison.guard
    denied = withdrawal_reasons(
        withdrawn=total(*(each.denied for each in measures)), reference=reference, guard=guard
    )
    ordinary: tuple[str, ...] = ()
    if comparison.removes and leaving != Sizes():
        ordinary = held_reasons(
            leaving=leaving,
            withdrawn=withdrawn,
            target=target(),
            reference=reference,
            guard=guard,
            changes=comparison.changes,
        )
    control = sum(each.joining_control for each in measures)
    arms = sum(each.joining_arms for each in measures)
    if ordinary and control:
        ordinary += (f"{control:,} of the members who would leave are held out as control",)
    if ordinary and arms:
        ordinary += (f"{arms:,} of the members who would leave are in another arm",)
    free, withdrawals = not ordinary, not denied
    if comparison.approved and (ordinary or denied):
        which = bool(ordinary), bool(denied)
        left = sum(each.unapproved[which] for each in measures)
        more = f"{left:,} identifiers would leave that the approved plan does not name"
        ordinary, denied = ((more,) if left else ()), ()
    return _Verdict(free, withdrawals, (*ordinary, *denied), leaving, withdrawn, control, arms)


def _target(
    comparison: Comparison,
    sifted: Sifted,
    members: Members,
    measures: Sequence[_Measure],
) -> Sizes:
    """What the audience will hold when it is equal to the snapshot."""
    target = total(*(each.target for each in measures))
    if sifted.parts[0].members is None:
        return target
    # Nobody whom no part holds shares an identifier with anybody whom one does.
    before = comparison.generation
    held = total(*(each.held for each in measures))
    resting = beside(before.sizes, held) if before else Sizes()
    snapshot = Side.of(members.fresh, members.digested, names=members.names)
    added = Sizes(0, distinct(snapshot, sifted.new))
    return replace(total(target, resting, added), members=target.members + sifted.wanted)
