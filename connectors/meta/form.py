"""Forms as Meta reads them, of fields that may be percent-encoded already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote_plus, urlencode

CONTENT_TYPE = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True, eq=False)
class Quoted:
    """A field's text, percent-encoded. Of 5 MB the library would do that letter by letter.

    Attributes:
        parts: The text is all of them, one after the other.
    """

    parts: tuple[bytes | memoryview, ...] = field(repr=False)


Form = Mapping[str, str | Quoted]


def encoded(form: Form) -> bytes:
    """The body of a form, to the byte what `urllib.parse.urlencode` would make of it."""
    body: list[bytes | memoryview] = []
    for name, text in form.items():
        body.append(b"&" if body else b"")
        if isinstance(text, Quoted):
            body += (f"{quote_plus(name)}=".encode(), *text.parts)
        else:
            body.append(urlencode({name: text}).encode())
    return b"".join(body)
