"""Options that many commands share."""

from __future__ import annotations

import getpass
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from syncd.errors import UsageError

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="Configuration file; default $SYNCD_CONFIG, then config/syncd.yaml.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def actor() -> str:
    """Who is at the keyboard, for the audit."""
    return os.environ.get("SUDO_USER") or getpass.getuser()


def duration(text: str) -> timedelta:
    """A span such as 90s, 30m, 48h, 7d or 2w.

    Raises:
        syncd.errors.UsageError: It is none.
    """
    found = re.fullmatch(r"(\d+)([smhdw])", text.strip())
    if not found:
        raise UsageError(f"{text!r} is no span of time; write 90s, 30m, 48h, 7d or 2w")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def moment(text: str, now: datetime, timezone: str) -> datetime:
    """A moment in UTC: so long ago, or a day or a time in a zone; a day is its midnight.

    Args:
        text: 30d, 2026-09-01, 2026-09-01T12:00 or 2026-09-01T12:00+02:00.
        now: What a span is taken from.
        timezone: Of a day or a time that names none.

    Raises:
        syncd.errors.UsageError: It is none.
    """
    if re.fullmatch(r"\d+[smhdw]", text.strip()):
        return now - duration(text)
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(
            f"{text!r} is no moment; write 30d, 2026-09-01 or 2026-09-01T12:00"
        ) from None
    zoned = found if found.tzinfo else found.replace(tzinfo=ZoneInfo(timezone))
    return zoned.astimezone(UTC)
