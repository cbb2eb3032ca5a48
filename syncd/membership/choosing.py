"""What goes now: what a comparison found, and what the guard lets go."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial

import duckdb
import numpy as np

from syncd.membership import compare
from syncd.membership.blocks import BlockReader
from syncd.membership.held import beside, sizes, total
from syncd.membership.sieve import Side, distinct
from syncd.membership.sifting import Sifted
from syncd.model import Comparison, PlanCounts, Sizes
from syncd.plan import held_reasons, withdrawal_reasons


def choose(
    database: duckdb.DuckDBPyConnection,
    comparison: Comparison,
    sifted: Sifted,
    members: BlockReader,
) -> tuple[PlanCounts, tuple[str, ...]]:
    """Ask the guard, and choose what goes now; the numbers, and why the rest does not.

    Args:
        database: After `compare.find_gone`.
        comparison: As asked.
        sifted: Whom the tables hold.
        members: The snapshot.
    """
    leaving, withdrawn = compare.leaving(database), compare.withdrawn(database)
    target = Sizes()
    if leaving.members or any(leaving.identifiers.values()):
        target = _target(database, comparison, sifted, members)
    held = _decide(database, comparison, leaving=leaving, withdrawn=withdrawn, target=target)
    numbers = compare.counts(
        database, removes=comparison.removes, leaving=leaving, withdrawn=withdrawn
    )
    added = len(sifted.new)
    return replace(
        numbers,
        snapshot=numbers.snapshot + sifted.read,
        wanted=numbers.wanted + sifted.wanted,
        additions=numbers.additions + added,
        unchanged=numbers.unchanged + sifted.wanted - added,
        lost=dict(sorted((Counter(numbers.lost) + Counter(sifted.lost)).items())),
    ), held


def _target(
    database: duckdb.DuckDBPyConnection,
    comparison: Comparison,
    sifted: Sifted,
    members: BlockReader,
) -> Sizes:
    """What the audience will hold when it is equal to the snapshot."""
    target = compare.target(database)
    if sifted.members is None:
        return target
    # Nobody whom the tables do not hold shares an identifier with anybody whom they do.
    before = comparison.generation
    resting = beside(before.sizes, sizes(database)) if before else Sizes()
    new = np.zeros(len(sifted.members), np.bool_)
    new[sifted.new] = True
    snapshot = Side.of(partial(members.batches, "members"), len(new))
    added = Sizes(0, distinct(database, [(snapshot, new)]))
    return replace(total(target, resting, added), members=target.members + sifted.wanted)


def _decide(
    database: duckdb.DuckDBPyConnection,
    comparison: Comparison,
    *,
    leaving: Sizes,
    withdrawn: Sizes,
    target: Sizes,
) -> tuple[str, ...]:
    """Ask the guard, and choose what goes now; why the rest does not."""
    reference = comparison.reference
    denied = withdrawal_reasons(
        withdrawn=compare.withdrawn(database, denied=True) if withdrawn.members else withdrawn,
        reference=reference,
        guard=comparison.guard,
    )
    ordinary: tuple[str, ...] = ()
    if comparison.removes:
        ordinary = held_reasons(
            leaving=leaving,
            withdrawn=withdrawn,
            target=target,
            reference=reference,
            guard=comparison.guard,
            changes=comparison.changes,
        )
    free, withdrawals = not ordinary, not denied
    if comparison.approved and (ordinary or denied):
        left = compare.unapproved(database, ordinary=bool(ordinary), denied=bool(denied))
        more = f"{left:,} identifiers would leave that the approved plan does not name"
        ordinary, denied = ((more,) if left else ()), ()
    compare.choose(database, comparison, free=free, withdrawals=withdrawals)
    return (*ordinary, *denied)
