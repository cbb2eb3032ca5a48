"""A comparison: its open files, its tables part by part, and the plan that it writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import duckdb

from syncd.membership import compare, taking
from syncd.membership.blocks import BlockReader, BlockWriter
from syncd.membership.carrying import of_phase
from syncd.membership.choosing import decide
from syncd.membership.engine import engine, feed, positioned
from syncd.membership.held import load_held
from syncd.membership.keptout import leave_out_strangers
from syncd.membership.members import Members
from syncd.membership.rest import whole
from syncd.membership.sections import write_plan
from syncd.membership.seen import load_seen
from syncd.membership.sifting import Part, of_plan
from syncd.membership.underway import UnderWay
from syncd.model import Comparison, Phase, PlanCounts

_APPROVED = "CREATE TABLE approved (id UHUGEINT)"
_INTO = f"INSERT INTO approved SELECT {whole('high', 'low')} FROM incoming"


class Comparing:
    """What is compared, and with what; each file is opened, and so checked, once."""

    def __init__(
        self,
        comparison: Comparison,
        generation: BlockReader | None,
        opened: Callable[[str, str], BlockReader],
    ) -> None:
        """Find whom the comparison concerns.

        Args:
            comparison: As asked.
            generation: Its generation, opened.
            opened: Opens a file by its path and checksum, for as long as this is used.
        """
        snapshot = comparison.snapshot
        self._comparison = comparison
        self._generation = generation
        read = opened(snapshot.path, snapshot.checksum)
        self._members = Members(read, self._generation)
        self._approved = [opened(plan.path, plan.checksum) for plan in comparison.approved]
        self._under_way = UnderWay(opened, comparison)
        removing = self._under_way.removing()
        self._sifted = of_plan(comparison, self._members, self._generation, removing)

    def write(self, writer: BlockWriter) -> tuple[PlanCounts, tuple[str, ...]]:
        """Write the plan's rows; its numbers, and why the guard holds the rest."""
        sifted, comparison = self._sifted, self._comparison

        def write(database: duckdb.DuckDBPyConnection) -> None:
            write_plan(
                database,
                writer,
                members=self._members,
                generation=self._generation,
                takes_out=comparison.takes_out,
            )

        if comparison.takes_out:
            with self._load(sifted.parts[0]) as database:
                found = taking.choose(database, comparison)
                write(database)
        else:
            found = decide(comparison, sifted, self._members, self._load, write)
        self._members.write(sifted.new, writer, of_phase(Phase.ADD))
        sifted.respelled.write(writer)
        return found

    @contextmanager
    def _load(self, part: Part) -> Iterator[duckdb.DuckDBPyConnection]:
        """The tables of one part, after `compare.find_gone`."""
        with engine() as database:
            seen = self._members.of(part.members, part.rows)
            load_seen(database, seen, self._comparison)
            load_held(database, self._generation, part.rows, apart=len(self._sifted.parts) > 1)
            leave_out_strangers(database)
            database.execute(_APPROVED)
            for file in self._approved:
                feed(database, positioned(file.batches("held")), _INTO)
            self._under_way.load(database, self._sifted.ids)
            compare.find_gone(database, self._comparison)
            yield database
