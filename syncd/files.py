"""Files that only we may read, written whole or not at all."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import IO

from syncd.errors import ConfigError, Unwritten

_MOUNTS = Path("/proc/mounts")

# SQLite's locks cannot be trusted there: https://www.sqlite.org/faq.html#q5
_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "afs", "ceph"})


def make_directory(path: Path) -> None:
    """Make a directory, and its missing parents, with mode 0700.

    Raises:
        syncd.errors.ConfigError: It cannot be made.
    """
    try:
        for missing in reversed([p for p in (path, *path.parents) if not p.exists()]):
            missing.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"the directory {path} cannot be made: {error.strerror}") from None


def sync_file(file: IO[str] | IO[bytes]) -> None:
    """Bring what was written to the disk."""
    file.flush()
    os.fsync(file.fileno())


def sync_directory(path: Path) -> None:
    """Bring a directory's names to the disk; without it a new file may lose its own."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file, mode 0600, so that a crash leaves the old one or the new one.

    Raises:
        syncd.errors.Unwritten: The disk is full, or the like.
    """
    draft = path.with_name(f".{path.name}.new")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with os.fdopen(os.open(draft, flags, 0o600), "wb") as file:
            file.write(content)
            sync_file(file)
        draft.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        raise Unwritten(path, error) from None


def filesystem(path: Path, mounts: str) -> str:
    """The kind of file system that `path` lies on, or "" where the table does not say.

    Args:
        path: Absolute.
        mounts: The text of `/proc/mounts`.
    """
    best, kind = -1, ""
    for line in mounts.splitlines():
        _, point, found, *_ = line.split(" ")
        # Spaces in names are written as octal, see fstab(5).
        point = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), point)
        if len(point) >= best and path.is_relative_to(point):
            best, kind = len(point), found
    return kind


def refuse_network(path: Path) -> None:
    """Refuse a place where locks are not to be trusted.

    Raises:
        syncd.errors.ConfigError: `path` lies on NFS or another network file system.
    """
    if not _MOUNTS.exists():  # not Linux
        return
    kind = filesystem(path.absolute(), _MOUNTS.read_text(encoding="utf-8", errors="replace"))
    if kind in _NETWORK:
        raise ConfigError(
            f"{path} lies on {kind}, where SQLite's locks do not hold: "
            "put the ledger on a local disk, or in PostgreSQL"
        )
