"""What init makes of a shop: looks at its tables, says what it is, and what that means now."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from syncd.cli.output import say
from syncd.errors import SyncdError
from syncd.settings import Secret
from syncd.settings.forms import ShopSchema
from syncd.settings.references import file_of, look_up
from syncd.settings.values import parse_url
from syncd.shop.recognising import Found, recognise

PASSWORD = Secret(file="shop_password")
SEGMENT = "newsletter_subscribers"  # shipped, and of people who said that they want to hear


def needs_password(url: str, path: Path) -> bool:
    """Whether the shop wants a password that is not there yet.

    Args:
        url: Of the shop's database.
        path: Of the configuration.
    """
    return not url.startswith("sqlite") and file_of(PASSWORD, os.environ, path.parent) is None


def look(url: str, path: Path) -> Found | None:
    """Look at the shop's tables, and say what was found, or why nothing was.

    Args:
        url: Of the shop's database.
        path: Of the configuration.
    """
    password = None
    try:
        parse_url(url)
    except ValueError:
        return None  # it is refused where it would be written, and nobody is asked with it
    try:
        if not url.startswith("sqlite"):
            password = look_up(PASSWORD, os.environ, path.parent, where=str(path))
        found = recognise(url, password)
    except SyncdError as error:
        say(f"the shop was not looked at: {error}")
        return None
    if found is None:
        say("the shop's tables are of no system that syncd knows: write segments as your own SQL")
        return None
    say(_sentence(found))
    settings = ", ".join(filter(None, (found.timezone, found.country)))
    if settings:
        say(f"  its settings say {settings}")
    if found.others:
        say(f"  it is there more than once, also with the prefix {', '.join(found.others)}")
    return found


def served(found: Found) -> bool:
    """Whether the configuration takes this system: its tables are mapped onto the catalogue's."""
    try:
        TypeAdapter[str](ShopSchema).validate_python(found.system.name)
    except ValidationError:
        return False
    return True


def shop_lines(found: Found | None) -> str:
    """What the configuration says of the system, as lines under `shop:`."""
    if found is None or not served(found):
        return ""
    said = {"schema": found.system.name, "layout": found.layout, "prefix": found.prefix}
    return "".join(f"  {key}: {value}\n" for key, value in said.items() if value)


def write_example(found: Found | None, segment: str, path: Path) -> bool:
    """Write the segment's SQL for a system that is not mapped, unless it is there already.

    Args:
        found: What the shop is.
        segment: Its name.
        path: Of the configuration, beside which it goes.
    """
    if found is None or served(found) or not found.example:
        return False
    file = path.parent / "segments" / f"{segment}.sql"
    file.parent.mkdir(exist_ok=True)
    try:
        with file.open("x", encoding="utf-8") as written:
            written.write(found.example)
    except FileExistsError:
        return False
    return True


def _sentence(found: Found) -> str:
    where = ", ".join(
        filter(None, (found.layout, f"prefix {found.prefix}" if found.prefix else ""))
    )
    said = f"found {found.system.title}{f' ({where})' if where else ''}"
    if served(found):
        return f"{said}: shipped segments read it"
    return (
        f"{said}: its tables are not mapped onto the catalogue's yet, so shipped segments cannot "
        "read them, and your own SQL can"
    )
