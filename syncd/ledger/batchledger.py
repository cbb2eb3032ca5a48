"""The ledger's part that the outbox writes: batches, their attempts, their receipts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from syncd.ledger import audiences, batches, parting, states
from syncd.ledger.batches import Answer, Attempt
from syncd.ledger.parting import Part
from syncd.ledger.transactions import Transactions
from syncd.model import AuditEvent, BatchId, BatchRecord, BatchState, Outcome, Receipt, Refusal
from syncd.ports import Clock


class BatchLedger:
    """Batches of all plans; one method, one transaction."""

    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._tx = transactions
        self._clock = clock

    def batches(self, plan_id: str) -> tuple[BatchRecord, ...]:
        """A plan's batches in the order in which they are sent."""
        with self._tx.read() as tx:
            return batches.of_plan(tx, plan_id)

    def attempts(self, batch: BatchId) -> tuple[Attempt, ...]:
        """The requests that were made for a batch."""
        with self._tx.read() as tx:
            return batches.attempts(tx, batch)

    def answers(self, plan_id: str) -> Mapping[BatchId, Answer]:
        """What was said of a plan's batches, beside their states."""
        with self._tx.read() as tx:
            return batches.answers(tx, plan_id)

    def intend(self, batch: BatchId, *, label: str, deadline: datetime) -> BatchRecord:
        """Commit that a batch is about to be sent: only after this may it be.

        Args:
            label: The upload's name on the platform, for this attempt.
            deadline: When its answer is no longer waited for.

        Raises:
            syncd.errors.SyncdError: It could not be committed: send nothing.
        """
        with self._tx.write() as tx:
            now = self._clock.now()
            return batches.intend(tx, batch, label=label, deadline=deadline, now=now)

    def record(self, batch: BatchId, receipt: Receipt) -> BatchRecord:
        """Commit a receipt: accepted, or processed where it is final."""
        with self._tx.write() as tx:
            return batches.record(tx, batch, receipt, now=self._clock.now())

    def mark(
        self, batch: BatchId, state: BatchState, *, code: str, doubtful: bool = False
    ) -> BatchRecord:
        """Commit that a batch went unanswered, was turned away, given up or is settled.

        A doubtful batch asked back to `planned` rests `unknown`, and asked to `refused`
        it rests `failed`: an earlier attempt may have been applied (`states.resting`).
        The record that comes back says where it is.
        """
        with self._tx.write() as tx:
            now = self._clock.now()
            return batches.mark(tx, batch, state, code=code, doubtful=doubtful, now=now)

    def outcome(self, batch: BatchId, outcome: Outcome) -> BatchRecord:
        """Commit what became of an accepted batch; `processing` changes nothing.

        Unless the platform has begun with it only now: it then counts as accepted now.
        """
        with self._tx.write() as tx:
            return batches.outcome(tx, batch, outcome, now=self._clock.now())

    def give_up(self, batch_codes: Mapping[BatchId, str], *, event: AuditEvent | None) -> None:
        """Commit that accepted batches are waited for no more, each with a code of ours.

        They rest `failed` and in doubt: they may take effect at any time.
        """
        with self._tx.write() as tx:
            now = self._clock.now()
            for batch, code in batch_codes.items():
                batches.give_up(tx, batch, code=code, now=now)
            self._tx.tell(tx, event)

    def unfinished(self, platform: str, account: str, audience: str) -> tuple[BatchRecord, ...]:
        """Batches of any plan whose outcome nobody knows: send them again first."""
        with self._tx.of(platform, account, audience) as (tx, pk):
            return batches.in_states(tx, pk, states.UNFINISHED)

    def under_way(self, platform: str, account: str, audience: str) -> tuple[BatchRecord, ...]:
        """Batches of any plan that were accepted and not yet processed."""
        with self._tx.of(platform, account, audience) as (tx, pk):
            return batches.in_states(tx, pk, {BatchState.ACCEPTED})

    def last_edit(self, platform: str, account: str, audience: str) -> datetime | None:
        """When the platform last accepted a request for this audience; None if it never did."""
        with self._tx.of(platform, account, audience) as (tx, pk):
            return batches.last_accepted(tx, pk)

    def unfolded(self, platform: str, account: str, audience: str) -> tuple[BatchRecord, ...]:
        """Batches of any plan that the membership has yet to take in."""
        with self._tx.of(platform, account, audience) as (tx, pk):
            return batches.unfolded(tx, pk)

    def cancel_planned(
        self,
        platform: str,
        account: str,
        audience: str,
        *,
        of: str = "",
        event: AuditEvent | None,
    ) -> int:
        """Cancel what was never sent; how many.

        Args:
            platform, account, audience: Whose it is.
            of: Only what was planned in this name; "" for any.
            event: Written if there was any.
        """
        with self._tx.write() as tx:
            cancelled = batches.cancel_planned(
                tx, audiences.needed(tx, platform, account, audience).pk, of
            )
            if cancelled:
                self._tx.tell(tx, event)
            return cancelled

    def refuse(
        self,
        batch: BatchId,
        *,
        code: str,
        reference: str = "",
        refused: Sequence[Refusal] = (),
        instead: Sequence[Part] = (),
    ) -> tuple[BatchRecord, ...]:
        """Commit that a batch was refused whole, and the parts of it that take its place.

        Args:
            reference: The platform's own name for the request, for its support.
            refused: Its rows that are not in any of the parts, named or counted.
            instead: None are made of a batch in doubt, which rests `failed`.

        Returns:
            The batch, and then its parts.
        """
        with self._tx.write() as tx:
            now = self._clock.now()
            return parting.refuse(
                tx,
                batch,
                code=code,
                reference=reference,
                refused=refused,
                instead=instead,
                now=now,
            )

    def part(self, batch: BatchId, *, parts: Sequence[Part]) -> tuple[BatchRecord, ...]:
        """Commit further parts of the plan and phase of a batch; returns them."""
        with self._tx.write() as tx:
            return parting.add(tx, batch, parts)
