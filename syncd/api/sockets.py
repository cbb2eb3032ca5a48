"""Both ends of the socket at which the API is asked: made, opened, and who is at the other end."""

from __future__ import annotations

import os
import pwd
import socket
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from syncd.errors import ConfigError

_PEER = struct.Struct("3i")  # process, user, group; unix(7), SO_PEERCRED
_NOBODY = 65534  # stands for whoever a user namespace does not know; user_namespaces(7)


class _Optioned(Protocol):
    def getsockopt(self, level: int, name: int, size: int, /) -> bytes: ...


@contextmanager
def reachable(path: Path) -> Iterator[str]:
    """A socket's address, however long its path: the kernel takes 107 bytes, unix(7)."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


@contextmanager
def unix(path: Path, *, named: str = "api.listen", mode: int = 0o600) -> Iterator[socket.socket]:
    """A listening socket that only its user may open; taken away at the end.

    Args:
        path: Where it is made.
        named: The setting that names it, for messages.
        mode: Another one, where its folder keeps out who is not to come in.

    Raises:
        syncd.errors.ConfigError: Something else is there, or it cannot be made.
    """
    try:
        with reachable(path) as address:
            _make_room(path, address, named)
            found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            os.fchmod(found.fileno(), mode)  # before it has a name: at no moment is it open
            found.bind(address)
            Path(address).chmod(mode)  # binding has taken the process's umask off it
    except OSError as error:
        raise ConfigError(f"{named}: {path} cannot be listened on: {error.strerror}") from None
    try:
        found.listen()
        yield found
    finally:
        found.close()
        with suppress(OSError):
            path.unlink()


def tcp(address: tuple[str, int], *, named: str = "api.listen") -> socket.socket:
    """A listening socket on a port of this machine.

    Raises:
        syncd.errors.ConfigError: It cannot be made.
    """
    host, port = address
    try:
        return socket.create_server(
            address, family=socket.AF_INET6 if ":" in host else socket.AF_INET
        )
    except OSError as error:
        said = f"{named}: {host}:{port} cannot be listened on: {error.strerror}"
        raise ConfigError(said) from None


def login_of(peer: _Optioned) -> str | None:
    """Who opened the other end of a Unix socket, by the kernel's word; None if it knows none."""
    found = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    user = _PEER.unpack(found)[1]
    if user in {_NOBODY, -1}:
        return None
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"uid {user}"


def _make_room(path: Path, address: str, named: str) -> None:
    """Take away what a killed process left; nothing that somebody answers at, or that is no socket.

    Raises:
        syncd.errors.ConfigError: It is one of these.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ConfigError(f"{named}: {path} is there and is no socket: name another path")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(address)
        except OSError:
            path.unlink()
            return
    raise ConfigError(f"{named}: another process listens at {path}: name another path")
