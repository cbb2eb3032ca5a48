"""The ledger key: one secret, and a sub-key for each purpose."""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from syncd.errors import ConfigError
from syncd.files import make_directory, sync_directory, sync_file

Purpose = Literal[
    "files",
    "audit",
    "tombstone",
    "guest",
    "holdout",
    "arm",
    "keys",
    "check",
    "fingerprint",
    "shown",
]

_BYTES = 32


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Key:
    """32 random bytes that never show themselves."""

    _secret: bytes = field(repr=False)

    def __repr__(self) -> str:
        return "Key(***)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Key):
            return NotImplemented
        return hmac.compare_digest(self._secret, other._secret)

    def __hash__(self) -> int:
        return hash(self.derive("check"))

    @classmethod
    def load(cls, stored: str | bytes) -> Key:
        """The key from its stored form, 64 hex characters.

        Raises:
            syncd.errors.ConfigError: It is not 64 hex characters.
        """
        try:
            text = stored if isinstance(stored, str) else stored.decode("ascii")
            secret = bytes.fromhex(text.strip())
        except ValueError:  # UnicodeDecodeError is one; neither may be shown
            secret = b""
        if len(secret) != _BYTES:
            raise ConfigError(
                f"the ledger key is not {2 * _BYTES} hex characters: restore it from its backup"
            )
        return cls(secret)

    @classmethod
    def make(cls, random: Callable[[int], bytes] = secrets.token_bytes) -> Key:
        """A new key."""
        return cls(random(_BYTES))

    def stored(self) -> str:
        """The form that `load` reads; for the key file alone."""
        return self._secret.hex()

    def derive(self, purpose: Purpose) -> bytes:
        """The sub-key for one purpose, 32 bytes; HKDF-SHA256 (RFC 5869).

        Raises:
            ValueError: Nobody agreed on such a purpose.
        """
        if purpose not in get_args(Purpose):
            raise ValueError(f"no sub-key has the purpose {purpose!r}")
        info = f"syncd ledger {purpose}".encode()
        return HKDF(SHA256(), length=_BYTES, salt=None, info=info).derive(self._secret)


def load_or_make_key(path: Path) -> tuple[Key, bool]:
    """The key in `path`, made there once if there is none.

    Returns:
        The key, and whether it was made just now.

    Raises:
        syncd.errors.ConfigError: The file is readable by others, unreadable by us, or
            holds something else.
    """
    try:
        return _load(path), False
    except FileNotFoundError:
        return _make(path)


def _load(path: Path) -> Key:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            stored = file.read(4096)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ConfigError(f"the ledger key {path} cannot be read: {error.strerror}") from None
    if mode & 0o077:
        raise ConfigError(
            f"the ledger key {path} has mode {mode:04o}, others may read it: `chmod 600 {path}`"
        )
    return Key.load(stored)


def _make(path: Path) -> tuple[Key, bool]:
    """Make the key file whole or not at all; if two do, the first one's key counts."""
    key = Key.make()
    make_directory(path.parent)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(key.stored() + "\n")
            sync_file(file)
        os.link(draft, path)  # unlike a rename, this never replaces another's key
    except FileExistsError:
        return _load(path), False
    except OSError as error:
        raise ConfigError(f"the ledger key {path} cannot be made: {error.strerror}") from None
    finally:
        draft.unlink(missing_ok=True)
    sync_directory(path.parent)
    return key, True
