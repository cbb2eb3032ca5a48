"""The page on a socket of this machine, until a signal ends it."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

from syncd.api.serving import configured
from syncd.api.sockets import tcp, unix
from syncd.errors import ConfigError
from syncd.web.doors import SignIn
from syncd.web.pages import application

HOST = "127.0.0.1"
PORT = 8910
OPEN_TO_GROUP = 0o660  # a proxy of another user joins the group; the folder keeps out the rest


@contextmanager
def listening(at: Path | int) -> Iterator[tuple[socket.socket, str]]:
    """A socket, and what to call it: a path, or a port of this machine; 0 takes a free one.

    Raises:
        syncd.errors.ConfigError: It cannot be made, or the page's packages are not there.
    """
    for package in ("jinja2", "pygal"):
        if find_spec(package) is None:
            raise ConfigError(f"the page needs {package}: `pip install 'syncd[web]'`")
    if isinstance(at, Path):
        with unix(at, named="--socket", mode=OPEN_TO_GROUP) as sock:
            yield sock, str(at)
        return
    with closing(tcp((HOST, at), named="--port")) as sock:
        yield sock, f"http://{HOST}:{sock.getsockname()[1]}/"


def serve(
    folder: Path, sign_in: SignIn, at: Path | int, *, say: Callable[[str], None] = lambda _: None
) -> None:
    """Answer until SIGTERM or SIGINT; in a process's main thread.

    Args:
        folder: Where the daemon publishes.
        sign_in: Who may read.
        at: A path, or a port of this machine; 0 takes a free one.
        say: Told where it listens, once it does.
    """
    from uvicorn import Server  # noqa: PLC0415 - not for --help

    # uvicorn ends what is under way, then hands the signal on to whoever had it before.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt), listening(at) as (sock, name):
        say(name)
        Server(configured(application(folder, sign_in), sock)).run([sock])
