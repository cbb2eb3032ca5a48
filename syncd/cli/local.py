"""sandbox and demo: local platforms, and a story told with them."""

from __future__ import annotations

import signal
import sys
import threading
from importlib.metadata import entry_points
from pathlib import Path

from syncd.cli.output import say
from syncd.errors import UsageError
from syncd.local import LocalPlatforms, StartLocal

TIERS = ("", "limited", "full")


def sandbox(
    *, meta_port: int, google_port: int, control_port: int, delay: float, meta_tier: str
) -> None:
    """Serve until interrupted; prints what to write into a configuration."""
    if meta_tier not in TIERS:
        raise UsageError(f"--meta-tier is limited or full, not {meta_tier!r}")
    with start(
        meta_port=meta_port,
        google_port=google_port,
        control_port=control_port,
        google_delay=delay,
        meta_tier=meta_tier,
    ) as local:
        say("local platforms, in memory; put this under `accounts:`")
        say("  meta-local: {connector: meta, account_id: act_1, access_token: sandbox-token,")
        say(f"               endpoint: {local.meta_endpoint}}}")
        say('  google-local: {connector: google, customer_id: "1234567890",')
        say(f"                 credentials: anonymous, endpoint: {local.google_endpoint}}}")
        say(f"control: {local.control_endpoint} (GET /state, POST /faults)")
        _until_told()


def _until_told() -> None:
    """Wait for an interrupt or a termination, also where a parent had them ignored."""
    sys.stdout.flush()
    told = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: told.set())
    told.wait()


def start(**options: float | str) -> LocalPlatforms:
    """Start the local platforms that are installed."""
    (found,) = entry_points(group="syncd.sandbox")
    begin: StartLocal = found.load()
    return begin(**options)


def demo(keep: str | None, *, serve: bool) -> None:
    """Tell the demo's story; exit 0 only if everything agreed."""
    from syncd.demo.story import tell  # noqa: PLC0415

    tell(start, Path(keep) if keep else None, shown=_shown if serve else None)


def _shown(folder: Path) -> None:
    """The page of what the demo published, until interrupted."""
    from syncd.web.doors import SignIn  # noqa: PLC0415
    from syncd.web.serving import serve  # noqa: PLC0415

    serve(folder, SignIn(), 0, say=lambda name: say(f"The page: {name} (Ctrl-C ends it)"))
