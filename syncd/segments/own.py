"""Segments that a person wrote as SQL."""

from __future__ import annotations

import difflib
from datetime import datetime
from pathlib import Path

from syncd.errors import ConfigError
from syncd.model import SegmentQuery


def own_query(name: str, path: Path, *, as_of: datetime | None = None) -> SegmentQuery:
    """A segment from a file with one SELECT in the shop's dialect.

    Args:
        name: As the configuration calls it.
        path: The file.
        as_of: What `:as_of` in the SQL stands for; without it the SQL has no binds.

    Raises:
        ConfigError: The file is missing, unreadable or empty.
    """
    try:
        sql = path.read_text("utf-8")
    except FileNotFoundError:
        raise ConfigError(
            f"segment {name}: there is no file {path}{_nearest(path)}", where=str(path)
        ) from None
    except (OSError, UnicodeError) as error:
        raise ConfigError(
            f"segment {name}: {path} cannot be read as UTF-8 text ({type(error).__name__})",
            where=str(path),
        ) from None
    if not sql.strip():
        raise ConfigError(f"segment {name}: the file is empty", where=str(path))
    parameters = {} if as_of is None else {"as_of": as_of}
    return SegmentQuery(name, sql, parameters, str(path))


def _nearest(path: Path) -> str:
    beside = [each.name for each in path.parent.glob("*.sql")] if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, beside, n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""
