"""How the daemon's time goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

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
