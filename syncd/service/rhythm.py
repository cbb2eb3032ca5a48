"""How the daemon's time goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo

from syncd.app import App
from syncd.service.agenda import Agenda
from syncd.service.pulse import Patient
from syncd.settings import Schedule, Settings


def as_configured(settings: Settings) -> Mapping[str, Schedule]:
    """When each sync is to run."""
    return {name: sync.schedule for name, sync in settings.syncs.items()}


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How the daemon's time goes; a test's goes faster.

    Attributes:
        tick: The longest time between two looks at what is due.
        patient: How long nothing may be heard of a run that is not hung.
        schedules: When each sync of a configuration is to run.
    """

    tick: timedelta = timedelta(seconds=30)
    patient: Patient = field(default_factory=Patient)
    schedules: Callable[[Settings], Mapping[str, Schedule]] = as_configured

    def agenda(self, app: App) -> Agenda:
        """The agenda of a configuration."""
        return Agenda(
            app.ledger.due, self.schedules(app.settings), _zone(app), app.clock, _segments(app)
        )

    def change(self, agenda: Agenda, app: App) -> None:
        """Let an agenda go by another configuration from now on."""
        agenda.change(self.schedules(app.settings), _zone(app), _segments(app))


def _zone(app: App) -> ZoneInfo:
    return ZoneInfo(app.settings.shop.timezone)


def _segments(app: App) -> Mapping[str, str]:
    return {name: sync.segment for name, sync in app.settings.syncs.items()}
