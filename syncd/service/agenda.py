"""What is to run now, kept in the ledger: a restart neither loses a run nor begins one twice."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from syncd.ledger.due import Due, DueTimes
from syncd.ports import Clock
from syncd.schedule import due_after, spread, still_due, written
from syncd.settings import After, Every, Schedule


class Agenda:
    """The schedules of all syncs, and where each stands; may be shared by threads.

    A run that has begun stays due until it ends, so one that was cut off begins again after
    a restart; within a process no sync runs twice at a time. Syncs of one segment that have the
    same schedule are due together and stay so, for they are read for once.
    """

    def __init__(
        self,
        kept: DueTimes,
        schedules: Mapping[str, Schedule],
        zone: ZoneInfo,
        clock: Clock,
        segments: Mapping[str, str] | None = None,
    ) -> None:
        """Look at nothing yet.

        Args:
            kept: Where each stands.
            schedules: When each sync is to run.
            zone: Of cron expressions.
            clock: The wall clock.
            segments: What each sync reads; without it each reads something of its own.
        """
        self._kept = kept
        self._schedules = schedules
        self._zone = zone
        self._clock = clock
        self._segments = segments or {}
        self._seen = dict[str, datetime]()  # since when what is due was seen to be
        self._running = set[str]()
        self._turn = threading.Lock()

    def change(
        self,
        schedules: Mapping[str, Schedule],
        zone: ZoneInfo,
        segments: Mapping[str, str] | None = None,
    ) -> None:
        """Go by other schedules from now on; whatever runs goes on."""
        with self._turn:
            self._schedules, self._zone, self._segments = schedules, zone, segments or {}

    def look(self) -> tuple[str, ...]:
        """The syncs that are due and not running, the one that waits longest first."""
        with self._turn:
            now, times = self._clock.now(), self._times()
            waiting = [
                (at, name) for name, at in times.items() if at <= now and name not in self._running
            ]
            self._seen = {name: self._seen.get(name, now) for _, name in waiting}
        return tuple(name for _, name in sorted(waiting))

    def next_at(self) -> datetime | None:
        """When the next sync that is not running is due; None if none is by itself."""
        with self._turn:
            times = self._times()
        return min((at for name, at in times.items() if name not in self._running), default=None)

    def begin(self, sync: str) -> bool:
        """Note that a run begins; False if one is under way already."""
        with self._turn:
            if sync in self._running:
                return False
            found = self._kept.every().get(sync)
            self._keep(sync, self._since(sync), None if found is None else found.at)
            self._running.add(sync)
            return True

    def drop(self, sync: str) -> None:
        """Note that a run was stopped by us: it stays due, for the next process."""
        with self._turn:
            self._running.discard(sync)

    def rest(self, sync: str, until: datetime) -> None:
        """Note that a sync did not run, for its audience is to be left alone until then."""
        with self._turn:
            self._running.discard(sync)
            found = self._kept.every().get(sync)
            self._keep(sync, None if found is None else found.begun, until)

    def end(self, sync: str, *, succeeded: bool) -> None:
        """Note that a run ended: when the next one is due, and who comes after it now."""
        with self._turn:
            self._running.discard(sync)
            known, now = self._kept.every(), self._clock.now()
            # First those who follow: a kill in between runs this one again, and loses none.
            for name, schedule in self._schedules.items():
                if succeeded and schedule == After(sync):
                    self._keep(name, known[name].begun if name in known else None, now)
            if sync in self._schedules:
                begun = known[sync].begun if sync in known else now
                self._keep(sync, begun, self._due_after(sync, begun, now))

    def _since(self, sync: str) -> datetime:
        """From when the next interval of a run that begins now counts.

        From when it was seen to be due, though it waited for its account: what was due with it
        counts from there too. Not where so little of the interval were left.
        """
        now, schedule = self._clock.now(), self._schedules.get(sync)
        seen = self._seen.pop(sync, now)
        waited = now - seen
        early = isinstance(schedule, Every) and timedelta() < waited < schedule.interval / 2
        return seen if early else now

    def _times(self) -> dict[str, datetime]:
        """What is due when, by the clock as it is; what changed of it is kept."""
        known, now = self._kept.every(), self._clock.now()
        times = dict[str, datetime]()
        for name, schedule in self._schedules.items():
            found = known.get(name)
            at = self._due(name, schedule, found, now)
            same = found is not None and (found.at, found.schedule) == (at, self._written(name))
            if not same and name not in self._running:
                self._keep(name, None if found is None else found.begun, at)
            if at is not None:
                times[name] = at
        return times

    def _due(
        self, name: str, schedule: Schedule, found: Due | None, now: datetime
    ) -> datetime | None:
        if found is None:
            return self._due_after(name, None, now)
        if found.schedule != self._written(name):
            begun = None if found.begun is None else min(found.begun, now)
            return self._due_after(name, begun, now)
        if isinstance(schedule, After):
            return found.at
        late = self._late(name)
        return still_due(schedule, found.at, found.begun, now=now, zone=self._zone, late=late)

    def _due_after(self, name: str, begun: datetime | None, now: datetime) -> datetime | None:
        schedule = self._schedules[name]
        late = self._late(name)
        return due_after(schedule, begun, now=now, zone=self._zone, late=late)

    def _late(self, name: str) -> timedelta:
        return spread(self._segments.get(name, name), self._schedules[name])

    def _written(self, name: str) -> str:
        return written(self._schedules[name], self._zone)

    def _keep(self, name: str, begun: datetime | None, at: datetime | None) -> None:
        if name in self._schedules:
            self._kept.keep(name, Due(self._written(name), begun, at))
