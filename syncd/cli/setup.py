"""init, config check, config schema, migrate."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path

from syncd.app import platforms
from syncd.cli.output import print_json, say
from syncd.errors import ConfigError
from syncd.ledger.making import key_of, make_if_new
from syncd.settings import (
    Settings,
    check_accounts,
    find,
    json_schema,
    ledger_password,
    load,
    name_warnings,
    resolve_account,
    warnings,
)


def init(config: Path | None) -> None:
    """Write a starting configuration if there is none; make ledger and key for it."""
    path = find(config, os.environ)
    if path.exists():
        settings = load(path)
        key_of(settings)
        made = make_if_new(settings, key_of(settings))
        say(f"{path} is there already and was not touched")
        say("made the ledger" if made else "the ledger is there already")
        say("next: syncd config check")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text((files("syncd.settings") / "starter.yaml").read_text("utf-8"), "utf-8")
    say(f"wrote {path}")
    say("next: fill in your shop and account, then `syncd config check`, then `syncd plan`")


def check(config: Path | None, *, as_json: bool) -> None:
    """Check everything that can be checked without shop or platform."""
    settings = load(config)
    check_accounts(settings, platforms())
    for name in settings.accounts:
        resolve_account(settings, name)
    _segments(settings)
    notes = warnings(settings) + name_warnings(settings, platforms())
    if as_json:
        print_json({"configuration": settings.path, "syncs": list(settings.syncs), "notes": notes})
        return
    for note in notes:
        say(f"note: {note}")
    say(
        f"{settings.path} is good: {len(settings.syncs)} syncs, {len(settings.segments)} segments, "
        f"{len(settings.accounts)} accounts"
    )


def _segments(settings: Settings) -> None:
    from syncd.segments import check_parameters, check_staying, own_query  # noqa: PLC0415
    from syncd.segments.systems import source_of  # noqa: PLC0415

    try:
        source_of(settings.shop)
    except ConfigError as error:
        raise ConfigError(str(error), where=settings.where("shop")) from None
    for name, segment in settings.segments.items():
        path = settings.sql_file(name)
        try:
            if path:
                own_query(name, path)
            elif segment.use:
                check_parameters(segment.use, segment.with_)
                check_staying(segment.use, segment.with_, segment.stay)
        except ConfigError as error:
            if error.where:
                raise
            raise ConfigError(str(error), where=settings.where("segments", name)) from None


def schema() -> None:
    """Print the JSON Schema."""
    print_json(json_schema())


def migrate(config: Path | None) -> None:
    """Apply the schema changes that the ledger is missing."""
    from syncd.ledger import migrate as ledger  # noqa: PLC0415 - Alembic takes half a second

    settings = load(config)
    applied = ledger.migrate(
        settings.ledger.url, password=ledger_password(settings), key=key_of(settings)
    )
    say(f"applied {', '.join(applied)}" if applied else "the ledger is at head; nothing to do")
