"""What one person is known by, from standard input: never from the command line."""

from __future__ import annotations

import re
import sys

from syncd.cli.output import complain
from syncd.errors import UsageError
from syncd.identity.erased import Person

_LINE = re.compile(r"\s*(?:(email|phone|customer_key)\s*:)?\s*(.*?)\s*", re.DOTALL)
_EXAMPLES = {
    "email": "`email: anna@example.org`",
    "phone": "`phone: +31 6 12345678`",
    "customer_key": "`customer_key: c:123`",
}


def read_person(*, undone: str, keys: bool = True) -> Person:
    """Read one person, a line each; nothing of it is shown.

    Args:
        undone: What has not been done, where it cannot be read: "nothing was erased".
        keys: A customer key is taken too.

    Raises:
        syncd.errors.UsageError: Nothing is there, or something else.
    """
    examples = [text for kind, text in _EXAMPLES.items() if keys or kind != "customer_key"]
    kinds = f"{', '.join(examples[:-1])} or {examples[-1]}"
    found: dict[str, list[str]] = {"email": [], "phone": [], "customer_key": []}
    for number, line in enumerate(_lines(kinds, undone), 1):
        kind, value = _understood(line)
        if kind == "" or (kind == "customer_key" and not keys):
            raise UsageError(f"line {number} of standard input is not understood; write {kinds}")
        if value and value not in found[kind]:
            found[kind].append(value)
    person = Person(tuple(found["email"]), tuple(found["phone"]), tuple(found["customer_key"]))
    if not (person.emails or person.phones or person.keys):
        raise UsageError(
            f"standard input is empty; say there, one a line, what one person is known by: {kinds}"
        )
    return person


def _lines(kinds: str, undone: str) -> list[str]:
    if sys.stdin is None:
        raise UsageError("there is no standard input; pipe in what the person is known by")
    if sys.stdin.isatty():
        complain(f"One person, one line each: {kinds}. Then Ctrl-D. It is shown nowhere.")
    try:
        return sys.stdin.buffer.read().decode().splitlines()
    except UnicodeError:
        raise UsageError(f"standard input is not text in UTF-8; {undone}") from None


def _understood(line: str) -> tuple[str, str]:
    """Kind and value of a line; of one that is blank no value, of another no kind."""
    match = _LINE.fullmatch(line)
    kind, value = match.groups() if match else (None, "")
    if not value:
        return "email", ""
    if kind is None and "@" in value:
        kind = "email"
    elif kind is None and re.fullmatch(r"\+?[\d\s().-]+", value):
        kind = "phone"
    return kind or "", value
