"""Checks a segment's SQL before the shop sees it."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import sqlglot
from sqlglot import TokenType, exp
from sqlglot.errors import SqlglotError

from syncd.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from syncd.model import SegmentQuery
    from syncd.shop.engines import Backend

# It logs the SQL that it cannot read, and SQL may hold a customer's data.
logging.getLogger("sqlglot").setLevel(logging.CRITICAL)

_WRITES = (
    exp.DML,
    exp.Create,
    exp.Drop,
    exp.Alter,
    exp.TruncateTable,
    exp.Copy,
    exp.Set,
    exp.Pragma,
    exp.Command,
)
# Functions that act instead of answering, allowed to a SELECT by every engine's grammar
# and some of them by a read-only transaction. Not a boundary: that is the login's grants.
_ACTS = frozenset(
    {
        *("set_config", "nextval", "setval", "pg_notify", "dblink", "dblink_exec"),
        *("pg_advisory_lock", "pg_advisory_xact_lock", "pg_try_advisory_lock"),
        *("pg_terminate_backend", "pg_cancel_backend", "pg_reload_conf", "pg_sleep"),
        *("pg_read_file", "pg_read_binary_file", "pg_ls_dir", "lo_import", "lo_export"),
        *("load_file", "load_extension", "get_lock", "release_lock", "sleep", "benchmark"),
    }
)
_NAME = re.compile(r"[A-Za-z_]\w*")
_ALIKE = re.compile(r"[A-Za-z0-9_ .,:+-]*")


@dataclass(frozen=True, slots=True)
class Statement:
    """One SELECT that may be sent.

    Attributes:
        sql: For `sqlalchemy.text`: binds as `:name`, every other colon escaped, no
            semicolon.
        binds: The names it asks for.
        tables: Tables it reads, as it names them.
        plain: Of a SELECT from nothing but tables, the columns that it returns as they lie
            there: their names in a table, by the names under which they are returned.
        whole: It returns nothing but such columns and literals.
        constants: Columns that have one text in all rows, or NULL, and what that is.
    """

    sql: str
    binds: frozenset[str]
    tables: tuple[str, ...]
    source: str
    plain: Mapping[str, str]
    whole: bool
    constants: Mapping[str, str | None]


def checked(query: SegmentQuery, backend: Backend) -> Statement:
    """The one SELECT in a segment's SQL.

    Raises:
        ConfigError: It is not exactly one SELECT, it writes, locks or acts, or it asks
            for a bind that nobody gives. The SQL itself is not repeated.
    """
    found = _allowed(query.sql, query.source, backend)
    missing = sorted(found.binds - set(query.parameters))
    if missing:
        given = ", ".join(f":{name}" for name in sorted(query.parameters)) or "none"
        raise ConfigError(
            f"the segment's SQL asks for :{', :'.join(missing)}; given: {given}",
            where=query.source,
        )
    return found


# A daemon reads the same SQL run after run, and a segment of the catalogue takes a tenth of a
# second and more to look through.
@lru_cache(maxsize=128)
def _allowed(sql: str, source: str, backend: Backend) -> Statement:
    tree = _only_statement(sql, source, backend)
    reason = _objection(tree, sql, backend)
    if reason:
        raise ConfigError(f"the segment's SQL {reason}", where=source)
    sent, binds = _bindable(sql, backend.grammar)
    return Statement(sent, binds, _tables(tree), source, *_plain(tree), _constants(tree))


def _only_statement(sql: str, source: str, backend: Backend) -> exp.Expr:
    try:
        parsed = sqlglot.parse(sql, read=backend.grammar)
    except SqlglotError as error:
        place = _place(error)
        raise ConfigError(
            f"the segment's SQL cannot be read as one SELECT of {backend.title}{place}",
            where=source,
        ) from None
    statements = [each for each in parsed if each is not None and type(each) is not exp.Semicolon]
    if len(statements) != 1:
        raise ConfigError(
            f"the segment's SQL holds {len(statements)} statements; it must be one SELECT",
            where=source,
        )
    return statements[0]


def _place(error: SqlglotError) -> str:
    """Where the parser stopped, without its quotation of the SQL."""
    details = getattr(error, "errors", None)
    return f" (stopped at line {details[0]['line']}, column {details[0]['col']})" if details else ""


def _objection(tree: exp.Expr, sql: str, backend: Backend) -> str:
    """Why this statement may not be sent, or nothing."""
    acting = sorted({name for name in _functions(tree) if name in _ACTS})
    hidden = backend.dialect == "mysql" and re.search(r"/\*M?!", sql)
    objections = (
        (tree.find(*_WRITES), "writes or is a command; it must be one SELECT"),
        (not isinstance(tree, (exp.Select, exp.SetOperation, exp.Subquery)), "is not a SELECT"),
        (tree.find(exp.Into), "holds SELECT ... INTO, which writes"),
        (tree.find(exp.Lock), "locks rows (FOR UPDATE, FOR SHARE); a segment only reads"),
        (hidden, "holds a comment that the server would run (/*! ... */)"),
        (acting, f"calls {', '.join(acting)}, which acts instead of reading"),
    )
    return next((reason for found, reason in objections if found), "")


def _functions(tree: exp.Expr) -> Iterator[str]:
    for call in tree.find_all(exp.Func):
        yield (call.name if isinstance(call, exp.Anonymous) else call.sql_name()).lower()


def _tables(tree: exp.Expr) -> tuple[str, ...]:
    own = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    names = {table.name for table in tree.find_all(exp.Table) if table.name.lower() not in own}
    return tuple(sorted(name for name in names if name))


def _plain(tree: exp.Expr) -> tuple[Mapping[str, str], bool]:
    """See `Statement.plain` and `Statement.whole`."""
    if type(tree) is not exp.Select or tree.find(exp.CTE):
        return {}, False
    sources = [each.this for each in (tree.args.get("from_"), *tree.args.get("joins", [])) if each]
    tables = (type(one) is exp.Table and type(one.this) is exp.Identifier for one in sources)
    if not all(tables) or any(one.args.get("db") for one in sources):
        return {}, False
    found: dict[str, str] = {}
    literals = 0
    for returned in tree.expressions:
        cell = returned.unalias()
        if type(cell) is exp.Column and type(cell.this) is exp.Identifier:
            found[returned.alias_or_name] = cell.name
        literals += type(cell) in {exp.Literal, exp.Null}
    return found, bool(sources) and len(found) + literals == len(tree.expressions)


def _constants(tree: exp.Expr) -> Mapping[str, str | None]:
    """See `Statement.constants`; of texts, those that every engine writes alike.

    Rows of subtotals have NULL in a column by which they are not grouped, a literal too.
    """
    if type(tree) is not exp.Select or tree.args.get("group"):
        return {}
    found: dict[str, str | None] = {}
    for returned in tree.expressions:
        cell = returned.unalias()
        if type(cell) is exp.Null:
            found[returned.alias_or_name] = None
        elif type(cell) is exp.Literal and cell.is_string and _ALIKE.fullmatch(cell.name):
            found[returned.alias_or_name] = cell.name
    return found


def renamed(sql: str, grammar: str, names: Mapping[str, str]) -> str:
    """SQL as a part of other SQL: without its semicolon, some of its binds by other names.

    Args:
        sql: One SELECT.
        grammar: Its engine's name in sqlglot.
        names: What binds are called from now on, by what they are called in it.

    Raises:
        ConfigError: It cannot be read.
    """
    try:
        end, binds = _binds(sql, grammar)
    except SqlglotError:
        raise ConfigError("a segment's SQL cannot be read") from None
    for start, name in sorted(binds.items(), reverse=True):
        after = start + 1 + len(name)
        sql = f"{sql[: start + 1]}{names.get(name, name)}{sql[after:]}"
        end += len(names.get(name, name)) - len(name)
    return sql[:end]


def _bindable(sql: str, grammar: str) -> tuple[str, frozenset[str]]:
    """The SQL without its semicolon, in which only real binds look like binds.

    A colon in a string, a cast (`::`) or a comment would be taken for one otherwise.
    """
    end, binds = _binds(sql, grammar)
    text = "".join(
        "\\:" if character == ":" and place not in binds else character
        for place, character in enumerate(sql[:end])
    )
    return text, frozenset(binds.values())


def _binds(sql: str, grammar: str) -> tuple[int, Mapping[int, str]]:
    """Where a statement ends, and its binds by where their colons stand."""
    tokens = sqlglot.tokenize(sql, read=grammar)
    end = len(sql)
    binds: dict[int, str] = {}
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        if token.token_type is TokenType.SEMICOLON:
            end = min(end, token.start)
        elif token.token_type is TokenType.COLON and following is not None:
            name = _NAME.match(sql, token.end + 1)
            before = sql[token.start - 1 : token.start]
            if name and following.start == token.end + 1 and not re.match(r"[\w:\])]", before):
                binds[token.start] = name.group()
    return end, binds
