"""The command line. Each group of commands is a file; rooms are imported when used."""

from __future__ import annotations

import sys


def main() -> None:
    """Run a command; what it raises on purpose becomes a message and an exit code."""
    from syncd.cli.application import application  # noqa: PLC0415 - after the interpreter is up
    from syncd.errors import SyncdError  # noqa: PLC0415

    try:
        application()
    except SyncdError as error:
        sys.stderr.write(f"syncd: {error}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("syncd: interrupted; the next run carries on from here\n")
        sys.exit(130)
