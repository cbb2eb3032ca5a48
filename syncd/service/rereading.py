"""A configuration read anew while a process lives: good as a whole, or not taken at all."""

from __future__ import annotations

from syncd.app import App, platforms
from syncd.errors import ConfigError
from syncd.ledger.making import key_of
from syncd.ledger.opening import check_key
from syncd.settings import check_accounts, load, resolve_account


def reread(app: App) -> App:
    """Open the configuration's file once more, on the ledger and the lock that are open.

    Args:
        app: What is open; it is left as it is.

    Returns:
        What runs from now on work with. It shares ledger, lock and files with `app`, and
        asks a shop and platforms of its own.

    Raises:
        syncd.errors.ConfigError: Something in it is wrong, or is not changed in a process
            that lives.
    """
    settings = load(app.settings.path, app.settings.environment)
    check_accounts(settings, platforms())
    if settings.ledger != app.settings.ledger:
        raise ConfigError(
            "another ledger needs a restart: this process holds the lock of the one it began with",
            where=settings.where("ledger"),
        )
    if settings.api != app.settings.api:
        raise ConfigError(
            "another place to listen at, or another token's name, needs a restart",
            where=settings.where("api"),
        )
    key = key_of(settings)
    with app.ledger.transactions.read() as tx:
        check_key(tx, key)
    found = App(settings, app.ledger, key, app.clock)
    found.lock = app.lock
    found.leftovers = app.leftovers  # it knows what runs under way are writing
    found.shared = app.shared  # and it what they read for others
    for name in settings.accounts:
        resolve_account(settings, name)
    for name in settings.syncs:
        found.parts(name)
    return found
