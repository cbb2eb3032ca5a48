"""What a driver's error means, in our words.

A vendor's message may quote values, SQL and the login, so none of it is passed on: only
the class of the error, which a search engine knows.
"""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError

from syncd.errors import ShopError

_LOGIN = "refused the login"
_GONE = "could not be reached, or closed the connection"
_DATABASE = "has no such database"
_TABLE = "has no table of that name"
_COLUMN = "has no column of a name that the SQL uses"
_GRANT = "does not let this login read; it needs SELECT on what the segment reads"
_WRITE = "refused a write; a segment only reads"
_SLOW = "ran into a time limit or was cancelled"
_TEXT = "returned a value that is not text in UTF-8"
_FILE = "cannot be opened: no such file, or not readable for this user"

# https://www.postgresql.org/docs/current/errcodes-appendix.html; a class is two characters.
_POSTGRESQL = {
    "08": _GONE,
    "28": _LOGIN,
    "3D": _DATABASE,
    "3F": _TABLE,
    "42P01": _TABLE,
    "42703": _COLUMN,
    "42501": _GRANT,
    "25006": _WRITE,
    "57014": _SLOW,
    "57P": _GONE,
    "22021": _TEXT,
}
# https://mariadb.com/kb/en/mariadb-error-code-reference/; 2xxx are the client's own.
_MYSQL = {
    1044: _GRANT,
    1045: _LOGIN,
    1698: _LOGIN,
    1049: _DATABASE,
    1054: _COLUMN,
    1142: _GRANT,
    1143: _GRANT,
    1370: _GRANT,
    1146: _TABLE,
    1290: _WRITE,
    1792: _WRITE,
    1317: _SLOW,
    1969: _SLOW,
    3024: _SLOW,
    1927: _GONE,
    2002: _GONE,
    2003: _GONE,
    2006: _GONE,
    2013: _GONE,
}
# Where there is no code: SQLite's own words, and those that Arrow's driver hands over from
# PostgreSQL once rows are on their way (in English, or they are not known).
_TOLD = {
    "no such table": _TABLE,
    "no such column": _COLUMN,
    "unable to open database file": _FILE,
    "file is not a database": "is a file, but no SQLite database",
    "attempt to write a readonly database": _WRITE,
    "database is locked": "is locked by another program",
    "could not decode to utf-8": _TEXT,
    "canceling statement due to": _SLOW,
    "terminating connection due to": _GONE,
    "server closed the connection": _GONE,
}


def shop_error(error: BaseException, *, otherwise: str, tables: tuple[str, ...] = ()) -> ShopError:
    """A driver's error as ours.

    Args:
        error: Of SQLAlchemy or of the driver itself.
        otherwise: What to say where the code is none of those that we know.
        tables: What the SQL reads; named where one of them is missing or forbidden.
    """
    return ShopError(fault(error, otherwise=otherwise, tables=tables))


def fault(error: BaseException, *, otherwise: str, tables: tuple[str, ...] = ()) -> str:
    """What happened, with the class of the driver's error."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    words = _words(cause) or otherwise
    if tables and words in (_TABLE, _GRANT, _COLUMN):
        words += f" (it reads {', '.join(tables)})"
    return f"the shop's database {words} [{_class_name(cause)}]"


def absent(error: DBAPIError) -> bool:
    """Whether a table is not there, or not for this login; some servers tell no difference."""
    return _words(error.orig or error) in (_TABLE, _GRANT)


def _words(error: BaseException) -> str:
    if isinstance(error, UnicodeError):
        return _TEXT
    first = error.args[0] if error.args else None
    if isinstance(first, int):
        return _MYSQL.get(first, "")
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str):
        return next((said for code, said in _POSTGRESQL.items() if state.startswith(code)), "")
    message = str(first).lower()
    return next((said for words, said in _TOLD.items() if words in message), "")


def _class_name(error: BaseException) -> str:
    return f"{type(error).__module__.partition('.')[0]}.{type(error).__name__}"
