"""The daemon: runs what is due until a signal ends it, and tells its manager how it is.

Nothing is remembered here that a kill may not take: what is due, begun and sent stands in
the ledger. One thread an account runs; this one waits for the alarm clock, for signals and
for runs to end, and does one thing at a time.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from queue import SimpleQueue

import structlog

from syncd import alerts
from syncd.api.orders import Order, Orders
from syncd.api.serving import serving
from syncd.app import App, open_app
from syncd.errors import Stopped, SyncdError, UsageError
from syncd.leaving import erasure
from syncd.service import errands
from syncd.service.alarm import Alarm
from syncd.service.errands import Errand
from syncd.service.notify import Manager, manager
from syncd.service.orphans import orphan, whole
from syncd.service.pulse import Pulse
from syncd.service.rereading import reread
from syncd.service.rhythm import Rhythm
from syncd.service.signals import Call, heard
from syncd.service.stopping import SAID, StoppingClock, StoppingLock
from syncd.service.turn import SCHEDULE, take
from syncd.service.workers import Ended, Workers
from syncd.sync import Wish
from syncd.web.publishing import publish
from syncd.worth.surveying import Surveyor

_GOOD = frozenset({0, 3})  # exit codes of a run that was carried out; others may follow it
# Open erasures are looked at when one is new, and as often as this for what has settled.
ERASURES = timedelta(hours=1)
SHOWN = timedelta(minutes=5)  # the page is published after each run, and as often as this
LONG = 60.0  # seconds that one turn of the loop may take: it waits for a ledger that is locked

log = structlog.get_logger()


def serve(
    config: Path | None,
    *,
    environment: Mapping[str, str] = os.environ,
    rhythm: Rhythm | None = None,
) -> None:
    """Run what is scheduled, until SIGTERM or SIGINT; in a process's main thread.

    Args:
        config: The file; None for `$SYNCD_CONFIG`, then `config/syncd.yaml`.
        environment: Says who is to be told how it is: `syncd.service.notify.manager`.
        rhythm: Another one than the daemon's own.

    Raises:
        syncd.errors.Busy: Another process holds the lock; or it was lost.
        syncd.errors.ConfigError: Something in the configuration or the ledger is wrong.
    """
    rhythm, listener = rhythm or Rhythm(), manager(environment)
    stopping, calls = threading.Event(), SimpleQueue[Call]()
    pulse = Pulse(time.monotonic, rhythm.patient)
    with (
        heard(calls),
        open_app(config, holder="daemon", clock=StoppingClock(stopping, pulse)) as app,
    ):
        app.lock = StoppingLock(app.lock, stopping, pulse)
        Daemon(app, rhythm, stopping=stopping, calls=calls, pulse=pulse, listener=listener).run()


class Daemon:
    """An open configuration whose schedule is kept."""

    def __init__(
        self,
        app: App,
        rhythm: Rhythm,
        *,
        stopping: threading.Event,
        calls: SimpleQueue[Call],
        pulse: Pulse,
        listener: Manager,
    ) -> None:
        """Begin nothing yet.

        Args:
            app: With the lock; replaced as a whole when the configuration is read anew.
            rhythm: How its time goes.
            stopping: Set once it is to end; its clock and its lock go by that too.
            calls: What it is to do next.
            pulse: Whether runs get on.
            listener: Told how it is.
        """
        self._app = app
        self._rhythm = rhythm
        self._stopping = stopping
        self._calls = calls
        self._pulse = pulse
        self._listener = listener
        self._agenda = rhythm.agenda(app)
        self._workers = Workers(
            *(self._agenda, self._account_of, self._run, self._ring),
            asked=lambda names: self._app.shared.expect(self._app.asked(names)),
            over=app.shared.over,
        )
        watchdog = listener.watchdog
        every = rhythm.tick if watchdog is None else min(rhythm.tick, watchdog / 3)
        self._alarm = Alarm(self._ring, every)
        self._status = ""
        self._erasing: tuple[frozenset[str], datetime] | None = None
        self._news = threading.Event()
        self._looked: datetime | None = None
        self._shown = datetime.min.replace(tzinfo=UTC)
        self._surveyor = Surveyor(self._news.set)
        self._orders = Orders(lambda: self._app.names("q"))
        self._turned = time.monotonic()
        self._late = 3 * every.total_seconds() + LONG

    def run(self) -> None:
        """Keep the schedule until told to end; then wait for what is under way.

        Raises:
            syncd.errors.Busy: The lock was lost.
            syncd.errors.ConfigError: Its API cannot be listened for.
        """
        log.info("daemon_started", syncs=len(self._app.settings.syncs))
        self._alarm.start()
        try:
            with serving(self, self._app.settings):
                self._keep()
        finally:
            self._alarm.stop()
            log.info("daemon_stopped")

    def _keep(self) -> None:
        """Answer calls till the end; whoever waits for a run is answered even then."""
        try:
            self._listener.ready(self._doing())
            self._tick()
            while not self._stopping.is_set() or self._pulse.names():
                self._do(self._calls.get())
        finally:
            self._stop()
            self._workers.wait()

    def _do(self, call: Call) -> None:
        if call is Call.STOP:
            self._stop()
        elif call is Call.REREAD and not self._stopping.is_set():
            self._reread()
        self._tick()

    def _stop(self) -> None:
        """Begin nothing more; what runs ends before its next request."""
        if not self._stopping.is_set():
            log.info("daemon_stopping", running=len(self._pulse.names()))
        self._stopping.set()
        self._workers.close()
        self._listener.stopping(self._doing())

    # --- what is due ------------------------------------------------------------------

    def _tick(self) -> None:
        """Begin what is due, and tell the manager how it is.

        Raises:
            syncd.errors.Busy: The lock was lost: another process may run syncs by now.
        """
        if not self._stopping.is_set():
            self._app.lock.check()
            try:
                self._workers.tick()
                self._erase()
                self._survey()
                self._warn()
                self._alarm.set(self._agenda.next_at(), self._app.clock.now())
            except SyncdError as error:
                # The ledger could not be read. It may be soon, and what is due there is late.
                log.error("due_unknown", error=type(error).__name__, why=str(error))
        self._tell()

    def _erase(self) -> None:
        """Do what is due of open erasures, each account's part on its own thread."""
        found = frozenset(str(one.id) for one in self._app.ledger.erasures.open())
        now = self._app.clock.now()
        if self._erasing is not None:
            before, at = self._erasing
            if found <= before and at <= now < at + ERASURES:
                return
        self._erasing = found, now
        if not found:
            return
        accounts = {(each.platform.name, each.account) for each in self._app.desk().accounts}
        for account in accounts:  # those too that no sync goes to: they may have been filled
            name = " ".join(account)
            self._workers.also(name, f"erasures {name}", partial(self._visit, account))

    def _visit(self, account: tuple[str, str]) -> None:
        app = self._app
        try:
            with self._pulse.of(f"erasures {' '.join(account)}"):
                erasure.carry_on(app.desk(), actor=SCHEDULE, within=account)
        except Stopped:
            log.info("erasures_stopped")
        finally:
            app.membership.let_go()

    def _survey(self) -> None:
        """Ask the shop what the segments are worth, if that is due; runs do not wait for it."""
        app = self._app
        if self._surveyor.wanted(app):
            self._workers.also("survey", "survey", partial(self._surveyor.go, app))

    def _warn(self) -> None:
        """Note what people are to be told; a thread of its own sends it, which may take long."""
        app, now = self._app, self._app.clock.now()
        recent = self._looked is not None and self._looked <= now < self._looked + self._rhythm.tick
        if recent and not self._news.is_set():
            return
        news = self._news.is_set()
        self._news.clear()
        self._looked = now
        if alerts.due(app):
            self._workers.also("alerts", "alerts", partial(alerts.send, app))
        if app.settings.page.directory and (news or not self._shown <= now < self._shown + SHOWN):
            self._shown = now
            self._workers.also("page", "page", partial(publish, app))

    # --- one run ----------------------------------------------------------------------

    def _account_of(self, sync: str) -> str:
        """Whose thread it is: the account as its platform knows it, however it is called here."""
        return " ".join(self._app.account_of(sync))

    def _run(self, sync: str, order: Order | None = None) -> Ended | datetime:
        """One run on its account's thread; what it came to is in the ledger and the log."""
        app = self._app  # until it ends, whatever is read anew meanwhile
        if sync not in app.settings.syncs:
            if order is not None:
                order.failed(UsageError(f"sync {sync} is not configured any more"))
            return Ended.FAILED
        with self._pulse.of(sync), structlog.contextvars.bound_contextvars(sync=sync):
            try:
                app.lock.check()
                wish = Wish(SCHEDULE) if order is None else order.wish
                began = None if order is None else order.began
                result = take(app, sync, wish, progress=self._pulse.progress, began=began)
            except SyncdError as error:
                if order is not None:
                    order.failed(error)
                if isinstance(error, Stopped):
                    return Ended.STOPPED
                log.error("sync_failed", error=type(error).__name__, why=str(error))
                return Ended.FAILED
            finally:
                self._sweep(app)
                self._news.set()
        if isinstance(result, datetime):
            return result
        if order is not None:
            order.came_to(result)
        return Ended.SUCCEEDED if result.exit_code in _GOOD else Ended.FAILED

    def _sweep(self, app: App) -> None:
        """Delete what the run has made needless: nobody else does, until the next start."""
        try:
            app.membership.sweep(app.ledger.named_files)
        except SyncdError as error:
            log.error("files_unswept", error=type(error).__name__, why=str(error))

    def _ring(self) -> None:
        # Whatever waits ends with a look. Where looks take longer than the time between two
        # rings they would pile up, and a call to end wait behind all of them.
        if self._calls.empty():
            self._calls.put(Call.LOOK)

    # --- what others ask for: the API's `Service` ---------------------------------------

    @property
    def app(self) -> App:
        """The configuration that runs begin with now."""
        return self._app

    def ask(self, sync: str, wish: Wish) -> Order:
        """Queue a run on its account's thread; see `api.operations.Service`."""
        self._known(sync)
        reads = wish.plan is None
        return self._orders.take(
            sync,
            wish,
            lambda order: self._workers.ask(sync, partial(self._run, sync, order), reads=reads),
            what=f"sync {sync}",
        )

    def ask_plan(self, sync: str, wish: Wish) -> Order:
        """Queue the drawing of a plan there; see `api.operations.Service`."""
        self._known(sync)
        return self._send(errands.draw, sync, wish, self._account_of(sync), f"plan of {sync}")

    def ask_to_empty(self, audience: str, wish: Wish) -> Order:
        """Queue a visit to an orphan there; see `api.operations.Service`."""
        self._begins()
        found = orphan(self._app, audience)
        at, what = f"{found.platform} {found.account}", f"retirement of {found.id}"
        return self._send(errands.empty, whole(found), wish, at, what)

    def _known(self, sync: str) -> None:
        self._begins()
        self._app.sync(sync)  # there is one of that name

    def _begins(self) -> None:
        if self._stopping.is_set():
            raise Stopped(SAID)

    def _send(self, errand: Errand, subject: str, wish: Wish, at: str, what: str) -> Order:
        """Queue something else than a run."""

        def queue(order: Order) -> Future[None] | None:
            return self._workers.also(
                at, what, lambda: errands.do(errand, order, what, self._app, self._pulse)
            )

        return self._orders.take(subject, wish, queue, what=what)

    def order(self, name: str) -> Order | None:
        """What was asked for under this id, or became this run."""
        return self._orders.find(name)

    def under_way(self) -> frozenset[str]:
        """The syncs that run, or wait for their account."""
        return self._workers.queued() & self._app.settings.syncs.keys()

    def turns(self) -> bool:
        """Whether the loop gets on."""
        return time.monotonic() - self._turned <= self._late

    def hung(self) -> int:
        """How many runs hang."""
        return len(self._pulse.hung())

    # --- configuration ----------------------------------------------------------------

    def _reread(self) -> None:
        """Take the configuration as it is now, for runs that begin from now on; or keep the old.

        A run that is under way keeps what it began with. Its account's thread is taken till
        it ends, so no other run comes to its audience.
        """
        self._listener.reloading()
        try:
            self._app = reread(self._app)
        except SyncdError as error:
            why = "; ".join(str(error).splitlines())
            log.error("configuration_kept", error=type(error).__name__, why=why)
        else:
            self._rhythm.change(self._agenda, self._app)
            log.info("configuration_read", syncs=len(self._app.settings.syncs))
        self._listener.ready(self._doing())

    # --- the manager ------------------------------------------------------------------

    def _tell(self) -> None:
        """Say what it is at; and that it is alive, if it is.

        To come here is half of that: this loop turns. The other half is that no run was
        silent for longer than it may be, see `syncd.service.pulse`. A ledger that cannot be
        read does not count: the log and the alerts say so, and a restart would mend nothing and
        cut off what still runs.
        """
        self._turned = time.monotonic()
        hung = self._pulse.hung()
        if not hung:
            self._listener.alive()
        for name in hung:
            log.error("run_hung", sync=name)
        status = self._doing()
        if status != self._status:
            self._listener.status(status)
            self._status = status

    def _doing(self) -> str:
        """One line: how many syncs, what runs, what is next."""
        said = [f"{len(self._app.settings.syncs):,} syncs"]
        if self._stopping.is_set():
            said.append("ends")
        said += self._pulse.doing()
        if at := self._alarm.at:
            said.append(f"next {at:%Y-%m-%d %H:%M} UTC")
        return ", ".join(said)
