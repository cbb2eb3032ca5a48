"""What commands print: tables and bars on a terminal, plain lines without one, or JSON."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from syncd.runs.parts import Progress, silent

if TYPE_CHECKING:
    from rich.progress import TaskID


def plain(value: object) -> object:
    """A domain value as JSON can carry it."""
    match value:
        case Enum():
            found: object = value.value
        case datetime():
            found = value.isoformat()
        case timedelta():
            found = value.total_seconds()
        case Path():
            found = str(value)
        case Mapping():
            found = {str(plain(key)): plain(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            found = [plain(item) for item in value]
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            found = {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        case _:
            found = value
    return found


def print_json(value: object) -> None:
    """Print one JSON document."""
    sys.stdout.write(json.dumps(plain(value), indent=2, ensure_ascii=False) + "\n")


def say(line: str = "") -> None:
    """Print a line."""
    sys.stdout.write(line + "\n")


def complain(line: str) -> None:
    """Print a line where errors go."""
    sys.stderr.write(line + "\n")


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows in columns; numbers to the right."""
    cells = [[_cell(value) for value in row] for row in rows]
    width = [max(len(row[n]) for row in [list(columns), *cells]) for n in range(len(columns))]
    right = [
        bool(rows) and all(isinstance(row[n], int) for row in rows) for n in range(len(columns))
    ]
    for row in [list(columns), *cells]:
        line = "  ".join(
            text.rjust(width[n]) if right[n] else text.ljust(width[n]) for n, text in enumerate(row)
        )
        say(line.rstrip())


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, Enum):
        return str(value.value)
    return "" if value is None else str(value)


@contextmanager
def progress(sync: str) -> Iterator[Progress]:
    """A bar for each part of a run, where someone is looking."""
    if not sys.stderr.isatty():
        yield silent
        return
    from rich import progress as rich  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415 - not paid where nobody looks

    columns = (
        rich.TextColumn("{task.description}"),
        rich.BarColumn(),
        rich.MofNCompleteColumn(),
    )
    with rich.Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(f"{sync}: {what}", total=total or None)
            bars.update(tasks[what], completed=done, total=total or None)

        yield tell
