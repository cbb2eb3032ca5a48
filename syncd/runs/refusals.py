"""What follows when a platform refuses a request whole: the rest goes out without the bad rows.

Where it names them, one further request carries the others. Where it does not, parts of
the batch are sent until single rows are found, see `syncd.runs.search`; good rows go out on
the way. A row that was named, or was refused alone, is held from then on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from syncd.errors import RequestRefused
from syncd.ledger.parting import Part
from syncd.ledger.store import Ledger
from syncd.model import BatchId, BatchRecord, BatchState, Refusal
from syncd.runs.search import SMALL, Answer, Piece, Search

# Further requests that refusals may cost within one operation of a run: four bad rows of
# 10,000 are found with them. What is open then is refused whole and tried by the next run,
# which begins without the rows that this one found.
EXTRA = 64

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Hunt:
    """A search through a refused batch; it counts the rows that were sent."""

    batch: BatchRecord
    code: str
    search: Search

    def part(self, piece: Piece, *, given_up: bool = False) -> Part:
        """A piece as a range of the plan's rows, with those left out in between."""
        batch, kept = self.batch, kept_rows(self.batch)
        first = kept[piece.first] if piece.first else 0
        end = piece.first + piece.rows
        rows = (kept[end] if end < len(kept) else batch.rows) - first
        left = tuple(
            replace(each, row=each.row - first)
            for each in batch.refused
            if each.row is not None and first <= each.row < first + rows
        )
        if given_up:
            left += (Refusal(None, self.code, piece.rows, whole=True),)
        return Part(batch.first_row + first, rows, left, given_up)


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What a refusal says of its batch.

    Attributes:
        refused: Rows that end with it: found, or counted.
        rest: The others, where the platform named the bad ones.
        search: Whether bad rows are still to be found.
        answer: What a search that it is part of is told.
    """

    refused: tuple[Refusal, ...] = ()
    rest: Part | None = None
    search: bool = False
    answer: Answer = "elsewhere"


class Refusals:
    """Refused batches of one operation, and the parts of them still to be sent."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._hunts: dict[BatchId, _Hunt] = {}  # by the part that is on its way
        self._taken = False
        self._extra = 0

    def taken(self, batch: BatchRecord) -> tuple[BatchRecord, ...]:
        """Hear that a batch was taken; what is to be sent for it now."""
        self._taken = True
        hunt = self._hunts.pop(batch.id, None)
        if hunt is None:
            return ()
        hunt.search.told("taken")
        parts = self._next(hunt)
        return self._planned(self._ledger.part(batch.id, parts=parts) if parts else (), hunt)

    def refused(
        self, batch: BatchRecord, error: RequestRefused
    ) -> tuple[BatchRecord, tuple[BatchRecord, ...]]:
        """Commit that a batch was refused; how it ended, and what is to be sent for it now.

        Args:
            batch: As the ledger had it while it was sent.
            error: What the platform said.
        """
        hunt = self._hunts.pop(batch.id, None)
        # While a platform takes nothing of a larger batch, no row is blamed for it.
        proven = self._taken or hunt is None or hunt.search.rows <= SMALL
        proven = proven and not error.of_size
        verdict = _verdict(batch, error, blame=proven)
        if hunt is not None:
            hunt.search.told(verdict.answer)
        elif verdict.search:
            hunt = _Hunt(batch, error.code, Search(len(kept_rows(batch))))
        parts, ended = self._rest(batch, error.code, verdict), verdict.refused
        parts += self._next(hunt) if hunt is not None else []
        for part in parts:
            if part.given_up and (part.first_row, part.rows) == (batch.first_row, batch.rows):
                ended = part.refused  # it is no part of itself
                parts.remove(part)
                break
        record, made = self._commit(batch, error, ended, parts)
        refused = sum(each.count for each in ended)
        tell = log.error if refused or not parts else log.info
        tell("batch_refused", batch=batch.id, code=error.code, rows=batch.rows, refused=refused)
        return record, self._planned(made, hunt)

    def _commit(
        self,
        batch: BatchRecord,
        error: RequestRefused,
        ended: Sequence[Refusal],
        parts: Sequence[Part],
    ) -> tuple[BatchRecord, Sequence[BatchRecord]]:
        """In one step; but a batch in doubt has no parts, only the search that it was one of."""
        instead = () if batch.doubtful else parts
        record, *made = self._ledger.refuse(
            batch.id,
            code=error.code,
            reference=error.reference,
            refused=ended,
            instead=instead,
        )
        if batch.doubtful and parts:
            return record, self._ledger.part(batch.id, parts=parts)
        return record, made

    def _rest(self, batch: BatchRecord, code: str, verdict: _Verdict) -> list[Part]:
        """What the platform did not name: one further request."""
        if verdict.rest is None:
            return []
        if self._extra < EXTRA:
            self._extra += 1
            return [verdict.rest]
        left = Refusal(None, code, batch.rows - len(verdict.rest.refused), whole=True)
        return [replace(verdict.rest, refused=(*verdict.rest.refused, left), given_up=True)]

    def _next(self, hunt: _Hunt) -> list[Part]:
        """The part of a batch to send now; or all that is open in it, given up."""
        if self._extra >= EXTRA or hunt.search.hopeless(taken=self._taken):
            log.error("search_given_up", batch=hunt.batch.id, requests=self._extra)
            return [hunt.part(piece, given_up=True) for piece in hunt.search.open]
        piece = hunt.search.next(taken=self._taken)
        if piece is None:
            return []
        self._extra += 1
        return [hunt.part(piece)]

    def _planned(self, made: Sequence[BatchRecord], hunt: _Hunt | None) -> tuple[BatchRecord, ...]:
        """Those of new batches that are to be sent; the last is a search's, if one goes on."""
        planned = tuple(each for each in made if each.state is BatchState.PLANNED)
        if hunt is not None and hunt.search.asking:
            self._hunts[planned[-1].id] = hunt
        return planned


def kept_rows(batch: BatchRecord) -> Sequence[int]:
    """Positions in a batch, ascending, of the rows that its request carries."""
    left = {each.row for each in batch.refused if each.whole}
    return [row for row in range(batch.rows) if row not in left] if left else range(batch.rows)


def _verdict(batch: BatchRecord, error: RequestRefused, *, blame: bool) -> _Verdict:
    if batch.doubtful:
        # An earlier attempt may have been applied: it rests `failed` and is planned anew.
        return _Verdict()
    kept = kept_rows(batch)
    alone = len(kept) == 1
    if not error.of_rows or (alone and not blame):
        counted = Refusal(None, error.code, len(kept), whole=True)
        return _Verdict((*batch.refused, counted), answer="refused" if alone else "elsewhere")
    bad = set(kept) if alone else {kept[row] for row in error.rows if row < len(kept)}
    known = tuple(Refusal(row, error.code, whole=True) for row in sorted(bad))
    known = (*batch.refused, *known)
    if len(bad) == len(kept):
        return _Verdict(known, answer="refused" if alone else "elsewhere")
    if bad:
        return _Verdict(rest=Part(batch.first_row, batch.rows, known))
    return _Verdict(search=True, answer="refused")
