"""From a file to `Settings`: every problem found at once, each with its line."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from syncd.errors import ConfigError
from syncd.model import Arms, Holdout
from syncd.settings.alerting import AlertSettings
from syncd.settings.crosschecks import crosschecks
from syncd.settings.document import Document, Keys, Problem, dotted, read
from syncd.settings.models import (
    AccountSettings,
    Configuration,
    LedgerSettings,
    ShopSettings,
    SyncSettings,
)
from syncd.settings.page import PageSettings
from syncd.settings.problems import from_pydantic, line_of
from syncd.settings.references import expand
from syncd.settings.segments import SegmentSettings
from syncd.settings.serving import ApiSettings

DEFAULT_PATH = Path("config/syncd.yaml")


@dataclass(frozen=True, slots=True)
class Settings:
    """A configuration that was read whole and fits together; secrets are still references.

    Attributes:
        path: The file it was read from.
        environment: Where `${NAME}` and $CREDENTIALS_DIRECTORY are looked up.
        lines: Line of every key, for messages.
    """

    path: Path
    shop: ShopSettings
    ledger: LedgerSettings
    accounts: Mapping[str, AccountSettings]
    segments: Mapping[str, SegmentSettings]
    syncs: Mapping[str, SyncSettings]
    alerts: AlertSettings
    api: ApiSettings
    page: PageSettings
    environment: Mapping[str, str] = field(repr=False)
    lines: Mapping[Keys, int] = field(repr=False)

    def where(self, *keys: str) -> str:
        """Say `FILE:LINE` of a key, or of the nearest thing around it."""
        line = line_of(self.lines, keys)
        return f"{self.path}:{line}" if line else str(self.path)

    @property
    def socket(self) -> Path:
        """Where the daemon's API listens, unless it listens on a port."""
        return Path(self.api.listen or self.ledger.directory / "run.sock")

    def sql_file(self, segment: str) -> Path | None:
        """Find a segment's own SQL file, or None where it is one of the catalogue."""
        name = self.segments[segment].sql
        return self.path.parent / name if name else None

    def expired(self, segment: str, now: datetime) -> date | None:
        """The last day on which a segment could be used, once that is over; None until then."""
        configured = self.segments.get(segment)
        last = configured.expires if configured else None
        today = now.astimezone(ZoneInfo(self.shop.timezone)).date()
        return last if last is not None and last < today else None

    def holdout(self, segment: str) -> Holdout | None:
        """A segment's control group; without a seed of its own its name is the seed."""
        configured = self.segments.get(segment)
        held = configured.holdout if configured else None
        return replace(held, seed=held.seed or segment) if held else None

    def arms(self, segment: str) -> Arms | None:
        """How a segment is split; likewise."""
        configured = self.segments.get(segment)
        arms = configured.arms if configured else None
        return replace(arms, seed=arms.seed or segment) if arms else None


def find(path: Path | None, environment: Mapping[str, str]) -> Path:
    """Say which file is the configuration: the one given, $SYNCD_CONFIG's, or the default."""
    return path or Path(environment.get("SYNCD_CONFIG") or DEFAULT_PATH)


def load(path: Path | None, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read and validate a configuration.

    Args:
        path: The file; None for `$SYNCD_CONFIG`, then `config/syncd.yaml`.
        environment: Where `${NAME}` is looked up.

    Raises:
        syncd.errors.ConfigError: It is missing, or something in it is wrong: all that
            is, one problem a line.
    """
    path = find(path, environment)
    return _settings(path, environment, read(path))


def load_alerts(path: Path | None, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read who is told, and nothing else: a configuration that is wrong elsewhere says that too.

    Args:
        path, environment: As of `load`.

    Returns:
        Settings of which `alerts` alone counts.

    Raises:
        syncd.errors.ConfigError: It is missing, is no YAML, or that part of it is wrong.
    """
    path = find(path, environment)
    document = read(path)
    whole = document.data if isinstance(document.data, dict) else {}
    data = {"shop": {"url": "sqlite:///none"}, "alerts": whole.get("alerts") or {}}
    return _settings(path, environment, Document(data, document.lines, ()))


def _settings(path: Path, environment: Mapping[str, str], document: Document) -> Settings:
    problems = list(document.problems)
    data = _expanded(document, environment, problems)
    try:
        found = Configuration.model_validate(data)
    except ValidationError as error:
        problems += from_pydantic(error, document)
    problems += crosschecks(Document(data, document.lines, ()))
    refuse(path, problems)
    return Settings(
        path=path,
        shop=found.shop,
        ledger=found.ledger,
        accounts=found.accounts,
        segments=found.segments,
        syncs=found.syncs,
        alerts=found.alerts,
        api=found.api,
        page=found.page,
        environment=environment,
        lines=document.lines,
    )


def refuse(path: Path, problems: Iterable[Problem]) -> None:
    """Raise all problems as one error, in the order of their lines; nothing if none.

    Raises:
        syncd.errors.ConfigError: There is at least one.
    """
    ordered = sorted(set(problems))
    if not ordered:
        return
    wheres = [f"{path}:{each.line}" if each.line else str(path) for each in ordered]
    rest = "".join(f"\n{at}: {each.text}" for at, each in zip(wheres[1:], ordered[1:], strict=True))
    raise ConfigError(ordered[0].text + rest, where=wheres[0])


def _is_secret(keys: Keys) -> bool:
    """Whether a value may be a reference that is resolved only at use."""
    match keys:
        case ("shop" | "ledger", "password") | ("ledger", "key") | ("api", "token"):
            return True
        case ("accounts", _, option, *_):
            return option not in {"connector", "endpoint"}
        case ("alerts", "targets", _, _, *_):
            return True
        case _:
            return False


def _expanded(
    document: Document, environment: Mapping[str, str], problems: list[Problem]
) -> object:
    """Put the environment's values in place of `${NAME}`, but not for secrets."""

    def walk(value: object, keys: Keys) -> object:
        if _is_secret(keys):
            return value
        match value:
            case dict():
                return {key: walk(each, (*keys, key)) for key, each in value.items()}
            case list():
                return [walk(each, (*keys, str(at))) for at, each in enumerate(value)]
            case str():
                try:
                    return expand(value, environment)
                except ValueError as error:
                    line = line_of(document.lines, keys)
                    problems.append(Problem(line, f"{dotted(keys)}: {error}"))
            case _:
                pass
        return value

    return walk(document.data, ())
