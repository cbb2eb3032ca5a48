"""A configuration's ledger and its key, made where there are none yet."""

from __future__ import annotations

from pathlib import Path

from syncd.ledger.keys import Key, load_or_make_key
from syncd.ledger.opening import is_blank
from syncd.settings import Settings, ledger_key


def key_of(settings: Settings) -> Key:
    """The ledger's key: the configured one, or the one made once in its directory."""
    text = ledger_key(settings)
    if text is not None:
        return Key.load(text)
    return load_or_make_key(settings.ledger.directory / "ledger.key")[0]


def make_if_new(settings: Settings, key: Key) -> tuple[str, ...]:
    """Make a SQLite ledger that is not there yet; older ones wait for `syncd migrate`.

    One whose making was cut short is a database without a table, and is made anew.
    """
    prefix = "sqlite:///"
    url = settings.ledger.url
    if not url.startswith(prefix) or not is_blank(Path(url.removeprefix(prefix))):
        return ()
    from syncd.ledger.migrate import migrate  # noqa: PLC0415 - Alembic takes half a second

    return migrate(url, password=None, key=key)
