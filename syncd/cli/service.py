"""Signature and help of the daemon's command.

As in `commands`, so that `--help` imports no room of syncd.
"""

from __future__ import annotations

import logging
import os
import sys

from syncd.cli.options import Config


def run(config: Config = None) -> None:
    """Keep the schedule of every sync, until a signal ends it: the daemon.

    Accounts run side by side, one sync of an account at a time. SIGTERM ends it after the
    requests under way, a second one at once; either way the next start carries on. SIGHUP
    reads the configuration anew: all of it, or the old one is kept and the log says why.
    Under systemd it says when it is ready, what it does, and that it gets on.
    """
    from syncd import daemon  # noqa: PLC0415 - as in `commands`
    from syncd.logs import set_up  # noqa: PLC0415

    set_up(sys.stderr, os.environ, level=logging.INFO)
    daemon.serve(config)
