"""Looking up what a configuration only refers to: the environment and secret files."""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from pathlib import Path

from syncd.errors import ConfigError
from syncd.settings.values import VARIABLE, Secret


def expand(text: str, environment: Mapping[str, str]) -> str:
    """Put the environment's values in place of `${NAME}`; `$${` stands for a plain `${`.

    Raises:
        ValueError: A variable is not set, or `${` is not followed by a name and `}`.
    """

    def value(found: re.Match[str]) -> str:
        if found[0] == "$${":
            return "${"
        name = VARIABLE.match(text, found.start())
        if name is None:
            raise ValueError("must write ${NAME} for the environment, or $${ for a plain ${")
        if name[1] not in environment:
            raise ValueError(f"the environment has no {name[1]}")
        return environment[name[1]]

    return re.sub(rf"\$\$\{{|{VARIABLE.pattern}|\$\{{", value, text)


def look_up(secret: Secret, environment: Mapping[str, str], folder: Path, *, where: str) -> str:
    """Fetch a secret's text, without the line breaks at its end.

    Args:
        secret: What refers to it.
        environment: The process's environment.
        folder: Where the configuration lies; relative file names start there.
        where: `FILE:LINE`, for messages.

    Raises:
        syncd.errors.ConfigError: It is not there, cannot be read, or is empty.
    """
    if secret.variable:
        value = environment.get(secret.variable, "")
        name = f"${{{secret.variable}}}"
    else:
        path = file_of(secret, environment, folder)
        name = f"the secret file {secret.file}"
        if path is None:
            raise ConfigError(
                f"{name} is neither in $CREDENTIALS_DIRECTORY nor in {folder}: put it there, "
                "readable by this user only",
                where=where,
            )
        value = _text(path, name, where)
    if not value:
        raise ConfigError(f"{name} is not set or empty", where=where)
    return value


def file_of(secret: Secret, environment: Mapping[str, str], folder: Path) -> Path | None:
    """Find a secret's file: a systemd credential of that name first, then beside the YAML."""
    credentials = environment.get("CREDENTIALS_DIRECTORY")
    if credentials and Path(secret.file).name == secret.file:
        credential = Path(credentials) / secret.file
        if credential.exists():
            return credential
    beside = folder / secret.file
    return beside if beside.exists() else None


def too_open(secret: Secret, environment: Mapping[str, str], folder: Path) -> bool:
    """Whether others on this machine may read a secret's file; systemd guards its own."""
    path = file_of(secret, environment, folder) if secret.file else None
    if path is None or path.parent == Path(environment.get("CREDENTIALS_DIRECTORY") or "\0"):
        return False
    return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def _text(path: Path, name: str, where: str) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise ConfigError(f"{name} cannot be read: {error.strerror}", where=where) from None
    except UnicodeDecodeError:
        raise ConfigError(f"{name} is not UTF-8 text", where=where) from None
