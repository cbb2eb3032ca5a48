"""doctor's table: configuration, shop, machine and ledger, a line each, with the way to mend it.

Takes no lock and makes nothing, so it may be asked while a daemon runs.
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from syncd import __version__
from syncd.app import platforms
from syncd.clock import SystemClock
from syncd.errors import ConfigError, SyncdError
from syncd.ledger import directory
from syncd.ledger.lock import holder
from syncd.ledger.making import key_of
from syncd.ledger.opening import is_blank, open_ledger
from syncd.ledger.store import Ledger
from syncd.model import RunState
from syncd.settings import (
    Settings,
    check_accounts,
    find,
    ledger_key,
    ledger_password,
    load,
    name_warnings,
    shop_password,
    warnings,
)
from syncd.shop.rights import standing
from syncd.smallness import too_small

if TYPE_CHECKING:
    from syncd.segments.systems import Source

Verdict = Literal["ok", "warn", "bad"]

_SQLITE = "sqlite:///"
_GIGABYTE = 10**9
ROOM = 2 * _GIGABYTE  # below it a person should look: a large plan and its generation are this
NO_ROOM = _GIGABYTE // 4
# Between this clock and the shop's: a segment of days is off by that, and a token may be.
SKEW = timedelta(seconds=30)
WRONG = timedelta(minutes=5)
OVERDUE = timedelta(hours=1)
# Segments are to be refreshed at least monthly, and weekly where people move as fast as orders.
AGED, TOO_OLD = timedelta(days=7), timedelta(days=31)
_WELL = (RunState.DONE, RunState.PARTIAL, RunState.PROCESSING)
# Segments that have between them every relation that is mapped, with what they must be given.
_PROBES: Mapping[str, Mapping[str, object]] = {
    "cart_abandoners": {},
    "frugal_replenish": {},
    "cart_abandoners_category": {"category": "any"},
}
PACKAGES = (
    "facebook-business",
    "google-ads-datamanager",
    "google-ads",
    "duckdb",
    "pyarrow",
    "sqlalchemy",
)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at.

    Attributes:
        verdict: `bad` where runs fail or harm; `warn` where a person should look.
        said: What it is, and where it is not ok what to do.
    """

    what: str
    verdict: Verdict
    said: str


def look(config: Path | None) -> tuple[Line, ...]:
    """Look at everything here, but for what platforms say."""
    path = find(config, os.environ)
    if config is None and "SYNCD_CONFIG" not in os.environ and not path.exists():
        said = f"there is no {path}: `syncd init` writes one"
        return (Line("configuration", "warn", said), *_versions())
    try:
        settings = load(config)
        check_accounts(settings, platforms())
    except ConfigError as error:
        said = "; ".join(str(error).splitlines())
        return (Line("configuration", "bad", said), *_versions())
    checks: tuple[Callable[[Settings], Iterator[Line]], ...] = (
        _configuration,
        _shop,
        _system,
        _disk,
        _lock,
        _key,
        _ledger,
    )
    return (*(line for check in checks for line in check(settings)), *_versions())


def _configuration(settings: Settings) -> Iterator[Line]:
    notes = warnings(settings) + name_warnings(settings, platforms())
    for note in notes:
        yield Line("configuration", "warn", note)
    if not notes:
        said = f"{settings.path}: {len(settings.syncs)} syncs, {len(settings.accounts)} accounts"
        yield Line("configuration", "ok", said)


def _shop(settings: Settings) -> Iterator[Line]:
    """Reach, rights and clock of the shop's database."""
    clock = SystemClock()
    try:
        before = clock.now()
        found = standing(settings.shop.url, shop_password(settings))
        took = clock.now() - before
    except SyncdError as error:
        yield Line("shop", "bad", str(error))
        return
    yield Line("shop", "ok", f"{found.title} answers")
    if found.writes:
        said = (
            f"this login may {', '.join(found.writes)}: give syncd one that may only SELECT "
            "(what was tried was rolled back)"
        )
        yield Line("shop rights", "bad", said)
    elif found.file:
        said = "syncd opens the file to read, but this user may write it: let another own it"
        yield Line("shop rights", "warn", said)
    else:
        yield Line("shop rights", "ok", "this login may only read: writes were tried and refused")
    yield _clock(found.now, before, took)


def _system(settings: Settings) -> Iterator[Line]:
    """Which segments the shop can serve, and whether its tables are those of its system."""
    from syncd.cli.lacks import lacking_in  # noqa: PLC0415
    from syncd.segments import catalogue  # noqa: PLC0415
    from syncd.segments.systems import source_of  # noqa: PLC0415

    what, title = "shop tables", "the canonical tables serve"
    try:
        if source := source_of(settings.shop):
            what, title = "shop system", f"{source.system.title} serves"
        elif not any(segment.use for segment in settings.segments.values()):
            return
        lacking = lacking_in(settings)
        if source:
            _ask(settings, source, lacking)
    except SyncdError as error:
        yield Line(what, "bad", str(error))
        return
    used = {name: str(segment.use) for name, segment in settings.segments.items() if segment.use}
    if wrong := [f"{name}: {lacking[use]}" for name, use in used.items() if use in lacking]:
        yield Line(what, "bad", "; ".join(wrong))
        return
    said = f"{title} {len(catalogue()) - len(lacking)} of {len(catalogue())} segments"
    if lacking:
        said += f", not {', '.join(lacking)}: `syncd segments list` says why"
    yield Line(what, "ok", said)
    if source and source.system.caution:
        yield Line("shop people", "warn", f"{source.system.title} {source.system.caution}")


def _ask(settings: Settings, source: Source, lacking: Collection[str]) -> None:
    """Open a read of segments: it names their tables and columns, and no row is taken."""
    from syncd.segments import catalogue_query  # noqa: PLC0415
    from syncd.shop import open_shop  # noqa: PLC0415

    zone = settings.shop.timezone
    shop = open_shop(settings.shop.url, shop_password(settings), timezone=zone)
    now = SystemClock().now()
    for name in _PROBES.keys() - lacking:
        query = catalogue_query(
            name,
            parameters=_PROBES[name],
            as_of=now,
            timezone=zone,
            dialect=shop.dialect,
            source=source,
        )
        with shop.read(query):
            pass


def _clock(there: datetime | None, before: datetime, took: timedelta) -> Line:
    """This machine's clock beside the shop's, but for the time that the answer took."""
    if there is None:
        return Line("clock", "ok", f"{before:%Y-%m-%d %H:%M:%S} UTC; nobody to compare it with")
    apart = max(before - there, there - (before + took), timedelta())
    said = f"{apart.total_seconds():.0f} s from the shop's"
    if apart <= SKEW:
        return Line("clock", "ok", said)
    said += ": set both by NTP (`timedatectl`)"
    return Line("clock", "bad" if apart > WRONG else "warn", said)


def _disk(settings: Settings) -> Iterator[Line]:
    folder = settings.ledger.directory.absolute()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    yield _room(shutil.disk_usage(there).free, folder)


def _room(free: int, folder: Path) -> Line:
    said = f"{free / _GIGABYTE:,.1f} GB free for {folder}"
    if free >= ROOM:
        return Line("disk", "ok", said)
    said += ": make room; a run that finds none fails, and nothing is lost by that"
    return Line("disk", "bad" if free < NO_ROOM else "warn", said)


def _lock(settings: Settings) -> Iterator[Line]:
    found = holder(settings.ledger.directory)
    if found is None:
        said = "free: no daemon runs, and no command that pushes"
    else:
        run = f", run {found.run}" if found.run else ""
        said = f"process {found.process} has it ({found.name}{run})"
    yield Line("lock", "ok", said)


def _key(settings: Settings) -> Iterator[Line]:
    """Where the ledger's key is; none is made."""
    path = settings.ledger.directory / "ledger.key"
    try:
        if settings.ledger.key is not None:
            ledger_key(settings)
            yield Line("key", "ok", "it is where `ledger.key` refers to; keep a copy elsewhere")
        elif path.exists():
            key_of(settings)
            said = f"{path}: keep a copy elsewhere; `syncd backup` leaves it out"
            yield Line("key", "warn", said)
        elif _is_new(settings):
            yield Line("key", "ok", "none yet: the first run makes it")
        else:
            said = f"{path} is not there, but a ledger is: put the key back"
            yield Line("key", "bad", said)
    except SyncdError as error:
        yield Line("key", "bad", str(error))


def _ledger(settings: Settings) -> Iterator[Line]:
    """Its chain, whether its directory fits, and when what is due."""
    if _is_new(settings):
        yield Line("ledger", "ok", "none yet: the first run makes it")
        return
    if settings.ledger.key is None and not (settings.ledger.directory / "ledger.key").exists():
        yield Line("ledger", "bad", "it cannot be opened without its key")
        return
    try:
        with _opened(settings) as ledger:
            found = ledger.verify()
            if found.ok:
                yield Line("ledger", "ok", f"{found.events:,} audit events, chain whole")
            else:
                said = (
                    f"the audit was changed at event {found.first_bad}: `syncd audit verify` says "
                    "more; compare it with a backup"
                )
                yield Line("ledger", "bad", said)
            yield from _fits(ledger, settings.ledger.directory)
            yield _due(ledger, settings)
            yield from _small(ledger, settings)
            yield from _old(ledger, settings)
    except SyncdError as error:
        yield Line("ledger", "bad", str(error))


def _fits(ledger: Ledger, folder: Path) -> Iterator[Line]:
    try:
        directory.check_beside(ledger, folder)
    except ConfigError as error:
        yield Line("directory", "bad", str(error))
        return
    yield Line("directory", "ok", f"{folder} and the ledger are of one moment")


def _due(ledger: Ledger, settings: Settings) -> Line:
    """The next run that the schedule has; late ones mean that no daemon runs."""
    times = sorted(
        (each.at, name)
        for name, each in ledger.due.every().items()
        if each.at is not None and name in settings.syncs
    )
    if not times:
        return Line("schedule", "ok", "nothing is due: no daemon has run, or all are manual")
    at, name = times[0]
    local = f"{name}, {at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if at < SystemClock().now() - OVERDUE:
        said = f"overdue: {local}. Does `syncd run` run, and get on? `syncd status` says"
        return Line("schedule", "warn", said)
    return Line("schedule", "ok", f"next: {local}")


def _small(ledger: Ledger, settings: Settings) -> Iterator[Line]:
    """Audiences that their platforms will hardly use."""
    known = platforms()
    for name, sync in settings.syncs.items():
        at = ledger.audience_of(name)
        if at is None or sync.mode == "remove":
            continue
        generation = ledger.generation(at.platform, at.account, at.id)
        held = generation.sizes.members if generation else 0
        if held and (said := too_small(known[at.platform], held)):
            yield Line(f"audience of {name}", "warn", said)


def _old(ledger: Ledger, settings: Settings) -> Iterator[Line]:
    """Audiences that no run has looked after for long, whatever their schedule says."""
    now = SystemClock().now()
    for name in settings.syncs:
        runs = [run for run in ledger.runs(name, limit=100) if run.state in _WELL and run.ended_at]
        ended = max((run.ended_at for run in runs if run.ended_at), default=None)
        if ended is None or now - ended < AGED:
            continue
        said = (
            f"no run has ended well for {(now - ended).days} days: people came and went meanwhile; "
            f"`syncd sync {name}`, and give it a schedule"
        )
        yield Line(f"age of {name}", "bad" if now - ended >= TOO_OLD else "warn", said)


def _versions() -> Iterator[Line]:
    named = [f"syncd {__version__}", f"Python {platform.python_version()}"]
    missing = list[str]()
    for package in PACKAGES:
        try:
            named.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            missing.append(package)
    yield Line("versions", "ok", ", ".join(named))
    if missing:
        yield Line("versions", "bad", f"not installed: {', '.join(missing)}; install syncd anew")


def _is_new(settings: Settings) -> bool:
    url = settings.ledger.url
    return url.startswith(_SQLITE) and is_blank(Path(url.removeprefix(_SQLITE)))


@contextmanager
def _opened(settings: Settings) -> Iterator[Ledger]:
    url, password = settings.ledger.url, ledger_password(settings)
    ledger = open_ledger(url, password=password, key=key_of(settings), clock=SystemClock())
    try:
        yield ledger
    finally:
        ledger.close()
