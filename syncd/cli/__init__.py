"""The command line. Each group of commands is a file; rooms are imported when used."""

from __future__ import annotations

import os
import sys

_INTERRUPTED = 130  # 128 and the signal's number, as shells have it
_POOL = "ARROW_DEFAULT_MEMORY_POOL"  # read when Arrow is imported; whoever set it is obeyed
_CARRIES_ON = "syncd: interrupted; the next run carries on from here\n"


def main() -> None:
    """Run a command; what it raises on purpose becomes a message and an exit code."""
    if "CS_GNU_LIBC_VERSION" in os.confstr_names:
        # Of Arrow's allocators the one that gives back most: a first sync of ten million takes
        # 85 MB less, and no longer. Only builds for glibc are sure to have it.
        os.environ.setdefault(_POOL, "jemalloc")
    code = _run()
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # `syncd audit export | head`: the reader has what it wanted
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def _run() -> str | int | None:
    """Run the command that was asked for; returns what to exit with."""
    from syncd.cli.application import command  # noqa: PLC0415 - after the interpreter is up
    from syncd.errors import SyncdError  # noqa: PLC0415

    try:
        command()()
    except SystemExit as end:
        if end.code == _INTERRUPTED:  # Typer has caught the interrupt, and says nothing
            sys.stderr.write(_CARRIES_ON)
        return end.code
    except SyncdError as error:
        sys.stderr.write(f"syncd: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write(_CARRIES_ON)
        return _INTERRUPTED
    return 0
