"""What every test may use, whichever process it runs in."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

FIGURE = "figure"

# Thousands of runs sync their files with every commit. No test is about what a disk does
# with that, so files lie in memory where there is room; nothing needs it.
_MEMORY = Path("/dev/shm")  # noqa: S108  # only new folders are made in it
_ROOM = 4 * 2**30
if (
    "TMPDIR" not in os.environ
    and _MEMORY.is_dir()
    and os.access(_MEMORY, os.W_OK)
    and shutil.disk_usage(_MEMORY).free > _ROOM
):
    os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)

# Tests start hundreds of processes of `syncd`, and each would compile all of it, and Alembic's
# steps, where the environment says to keep nothing; so would pytest these tests, each time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


@pytest.fixture
def told(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Say what was measured or tried, a line each; all stand at the end of the run's output."""

    def tell(line: str) -> None:
        record_property(FIGURE, line)

    return tell


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests told, also those that ran in another process."""
    lines = [
        f"{report.nodeid.partition('::')[2]}: {value}"
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        for name, value in report.user_properties
        if name == FIGURE
    ]
    if lines:
        terminalreporter.section("figures")
        for line in lines:
            terminalreporter.write_line(line)
