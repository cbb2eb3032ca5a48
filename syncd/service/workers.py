"""Accounts side by side: one thread each, so that a dead platform delays nobody else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from enum import Enum
from functools import partial
from importlib import import_module

import structlog

from syncd.service.agenda import Agenda

log = structlog.get_logger()


class Ended(Enum):
    """How a run ended, as far as the agenda cares."""

    SUCCEEDED = "succeeded"  # who follows may run
    FAILED = "failed"  # the next one is due as scheduled
    STOPPED = "stopped"  # by us, between two batches: it stays due


class Workers:
    """Runs what is due, one sync of an account at a time."""

    def __init__(
        self,
        agenda: Agenda,
        account_of: Callable[[str], str],
        run: Callable[[str], Ended | datetime],
        told: Callable[[], None] = lambda: None,
        *,
        asked: Callable[[Sequence[str]], None] = lambda _: None,
        over: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Begin with no thread.

        Args:
            agenda: What is due.
            account_of: Names a sync's account.
            run: Runs a sync to its end, in a thread of its account; or says until when its
                audience is to be left alone.
            told: Called when something has ended and the agenda knows it.
            asked: Called with syncs that come into the queue together, before any of them runs.
            over: Called when one has left it, whether it ran or not.
        """
        self._agenda = agenda
        self._account_of = account_of
        self._run = run
        self._told = told
        self._asked = asked
        self._over = over
        self._threads = dict[str, ThreadPoolExecutor]()
        self._queued = set[str]()
        self._turn = threading.Lock()
        self._stopped = False

    def tick(self) -> tuple[str, ...]:
        """Queue whatever is due and not queued yet; says what that was."""
        due = self._agenda.look()
        with self._turn:
            if self._stopped:
                return ()
            found = tuple(sync for sync in due if sync not in self._queued)
            self._asked(found)
            for sync in found:
                self._queue(sync, partial(self._run, sync))
        return found

    def ask(
        self, sync: str, run: Callable[[], Ended | datetime], *, reads: bool = True
    ) -> Future[None] | None:
        """Queue a run that somebody asked for; for the agenda it is a run as any other.

        Args:
            sync: Which.
            run: Runs it, in place of what scheduled ones do.
            reads: Whether it will read the shop.

        Returns:
            It is done when the next run of this sync may be asked for; None if one is
            queued already, or nothing is begun any more.
        """
        with self._turn:
            if self._stopped or sync in self._queued:
                return None
            if reads:
                self._asked([sync])
            return self._queue(sync, run)

    def queued(self) -> frozenset[str]:
        """What runs, or waits for its account."""
        with self._turn:
            return frozenset(self._queued)

    def also(self, account: str, name: str, job: Callable[[], None]) -> Future[None] | None:
        """Queue something else on an account's thread; None if it waits or runs there already.

        Args:
            account: As `account_of` names it.
            name: Of what is done; no sync is called so.
            job: It may fail.
        """
        with self._turn:
            if self._stopped or name in self._queued:
                return None
            self._queued.add(name)
            return self._thread(account).submit(self._other, name, job)

    def close(self) -> None:
        """Begin nothing more; what is queued stays due."""
        with self._turn:
            self._stopped = True
            for thread in self._threads.values():
                thread.shutdown(wait=False, cancel_futures=True)

    def wait(self) -> None:
        """After `close`: wait for what is under way; what has not begun is over too."""
        for thread in self._threads.values():
            thread.shutdown(wait=True)
        for sync in self.queued():
            self._over(sync)

    def _queue(self, sync: str, run: Callable[[], Ended | datetime]) -> Future[None]:
        self._queued.add(sync)
        return self._thread(self._account_of(sync)).submit(self._one, sync, run)

    def _thread(self, account: str) -> ThreadPoolExecutor:
        if account not in self._threads:
            _load()
            self._threads[account] = ThreadPoolExecutor(1, thread_name_prefix=account)
        return self._threads[account]

    def _one(self, sync: str, run: Callable[[], Ended | datetime]) -> None:
        """One run in its account's thread; whatever happens in it, the thread goes on."""
        try:
            if self._agenda.begin(sync):
                self._note(sync, _ended(sync, run))
        except Exception:
            # The ledger could not be written; what is due there is due at the next tick.
            log.exception("agenda_unkept", sync=sync)
        finally:
            self._over(sync)
            self._is_over(sync)

    def _other(self, name: str, job: Callable[[], None]) -> None:
        try:
            job()
        except Exception:
            # Whatever it is, the account's thread goes on; the log has type and place.
            log.exception("work_crashed", what=name)
        finally:
            self._is_over(name)

    def _is_over(self, name: str) -> None:
        with self._turn:
            self._queued.discard(name)
        self._told()

    def _note(self, sync: str, ended: Ended | datetime) -> None:
        if isinstance(ended, datetime):
            self._agenda.rest(sync, ended)
        elif ended is Ended.STOPPED:
            self._agenda.drop(sync)
        else:
            self._agenda.end(sync, succeeded=ended is Ended.SUCCEEDED)


def _load() -> None:
    """Load Arrow here, on a thread that lasts: before the first one that works begins.

    The allocator of pyarrow 25 crashed once the thread that had loaded it was gone
    (apache/arrow, issues 50471 and 50908).
    """
    import_module("pyarrow")  # not before something is due: it takes 25 MB


def _ended(sync: str, run: Callable[[], Ended | datetime]) -> Ended | datetime:
    try:
        return run()
    except Exception:
        # A fault of ours must not end the thread that its account's other syncs run on.
        log.exception("run_crashed", sync=sync)
        return Ended.FAILED
