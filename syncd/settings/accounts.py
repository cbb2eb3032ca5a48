"""Accounts against what their connectors take, and their references resolved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, Protocol

from syncd.errors import ConfigError
from syncd.model import Account, AudienceOption, Option
from syncd.settings.document import Problem
from syncd.settings.models import AccountSettings, AudienceSettings
from syncd.settings.problems import line_of
from syncd.settings.reading import Settings, refuse
from syncd.settings.references import expand, look_up, too_open
from syncd.settings.values import VARIABLE, Secret, is_loopback, suggest


class Offer(Protocol):
    """The part of `syncd.ports.Platform` that a configuration is checked against."""

    @property
    def options(self) -> tuple[Option, ...]:
        """What an account of this platform is configured with."""
        ...

    @property
    def audience_options(self) -> tuple[AudienceOption, ...]:
        """What an audience of this platform may be created with."""
        ...


def check_accounts(settings: Settings, platforms: Mapping[str, Offer]) -> None:
    """Check every account, and every audience, against the connectors that are installed.

    Args:
        settings: A configuration that was read.
        platforms: Installed platforms by the name that `connector:` gives.

    Raises:
        syncd.errors.ConfigError: An unknown connector or option, a required one that
            is missing, or a secret that stands in the file: all of them, one a line.
    """
    problems: list[Problem] = []
    keys: tuple[str, ...]
    for name, account in settings.accounts.items():
        for key, text in _account_problems(account, platforms):
            keys = ("accounts", name, key) if key else ("accounts", name)
            problems.append(Problem(line_of(settings.lines, keys), f"{'.'.join(keys)}: {text}"))
    for name, sync in settings.syncs.items():
        platform = platforms.get(settings.accounts[sync.account].connector)
        for key, text in _audience_problems(sync.audience, platform):
            keys = ("syncs", name, "audience", key)
            problems.append(Problem(line_of(settings.lines, keys), f"{'.'.join(keys)}: {text}"))
    refuse(settings.path, problems)


def _audience_problems(
    audience: AudienceSettings, platform: Offer | None
) -> Iterator[tuple[str, str]]:
    known = {option.name: option for option in platform.audience_options} if platform else {}
    for name, value in audience.options.items():
        if name in known:
            if fault := known[name].fault(value):
                yield name, f"{fault} ({known[name].help})"
        elif platform:
            yield name, f"unknown key; {suggest(name, {*known, 'name', 'id', 'lint'})}"


def _account_problems(
    account: AccountSettings, platforms: Mapping[str, Offer]
) -> Iterator[tuple[str, str]]:
    platform = platforms.get(account.connector)
    if platform is None:
        hint = suggest(account.connector, platforms)
        yield "connector", f"no connector {account.connector}; {hint}"
        return
    known = {option.name: option for option in platform.options}
    for option in platform.options:
        if option.required and option.name not in account.options:
            yield "", f"{option.name} is missing: {option.help}"
    for name, value in account.options.items():
        if name not in known:
            yield name, f"unknown key; {suggest(name, {*known, 'connector', 'endpoint'})}"
        elif known[name].secret and not _may_stand(known[name], value, account.endpoint):
            yield name, _way_on(known[name])


def _may_stand(option: Option, value: str | Secret, endpoint: str | None) -> bool:
    """Whether a secret option's value is a reference, or a harmless word on loopback."""
    if isinstance(value, Secret):
        return True
    return value in option.on_loopback_only and endpoint is not None and is_loopback(endpoint)


def _way_on(option: Option) -> str:
    text = "a secret may not be written here: use {file: NAME} or ${NAME}"
    if option.on_loopback_only:
        words = ", ".join(option.on_loopback_only)
        text += f" ({words} only with an endpoint on this machine)"
    return text


def resolve_account(settings: Settings, name: str) -> Account:
    """Make the account a connector takes; this reads its secrets.

    Raises:
        syncd.errors.ConfigError: A secret is not there, or a variable is not set.
    """
    account = settings.accounts[name]
    options = {
        key: _resolved(settings, value, "accounts", name, key)
        for key, value in account.options.items()
    }
    return Account(name, account.connector, options, account.endpoint)


def shop_password(settings: Settings) -> str | None:
    """Fetch the shop's database password, or None where it needs none."""
    secret = settings.shop.password
    return _resolved(settings, secret, "shop", "password") if secret else None


def ledger_password(settings: Settings) -> str | None:
    """Fetch the ledger's database password, or None where it needs none."""
    secret = settings.ledger.password
    return _resolved(settings, secret, "ledger", "password") if secret else None


def ledger_key(settings: Settings) -> str | None:
    """Fetch the text of the ledger's key, or None where one is kept in its directory."""
    secret = settings.ledger.key
    return _resolved(settings, secret, "ledger", "key") if secret else None


def api_token(settings: Settings) -> str | None:
    """Fetch what a caller of the daemon's API has to show, or None where it needs nothing."""
    secret = settings.api.token
    return _resolved(settings, secret, "api", "token") if secret else None


def target_secret(
    settings: Settings, target: str, key: Literal["webhook", "secret", "apprise"]
) -> str:
    """Fetch one value of a target of `alerts`.

    Raises:
        syncd.errors.ConfigError: It is not there.
    """
    value = getattr(settings.alerts.targets[target], key)
    return _resolved(settings, value, "alerts", "targets", target, key)


def _resolved(settings: Settings, value: str | Secret, *keys: str) -> str:
    where = settings.where(*keys)
    if isinstance(value, Secret):
        return look_up(value, settings.environment, settings.path.parent, where=where)
    try:
        return expand(value, settings.environment)
    except ValueError as error:
        raise ConfigError(f"{'.'.join(keys)}: {error}", where=where) from None


def warnings(settings: Settings) -> tuple[str, ...]:
    """List what works and should still be mended; one sentence each, `FILE:LINE` first."""
    folder = settings.path.parent
    found = [
        f"{settings.where(*keys)}: {'.'.join(keys)}: others on this machine may read "
        f"{secret.file}: chmod 600"
        for keys, secret in references(settings)
        if too_open(secret, settings.environment, folder)
    ]
    if settings.ledger.key is None:
        found.append(
            f"{settings.where('ledger')}: ledger.key: not set; the key lies beside the files that "
            "it encrypts, so a backup of the directory holds both"
        )
    return tuple(found)


def references(settings: Settings) -> Iterator[tuple[tuple[str, ...], Secret]]:
    """Yield every secret that a configuration refers to, with the path of its key."""
    fixed = (
        (("shop", "password"), settings.shop.password),
        (("ledger", "password"), settings.ledger.password),
        (("ledger", "key"), settings.ledger.key),
        (("api", "token"), settings.api.token),
    )
    yield from ((keys, secret) for keys, secret in fixed if secret)
    for name, account in settings.accounts.items():
        for key, value in account.options.items():
            if isinstance(value, Secret):
                yield ("accounts", name, key), value
    for name, target in settings.alerts.targets.items():
        for key in ("apprise", "webhook", "secret"):
            if isinstance(value := getattr(target, key), Secret):
                yield ("alerts", "targets", name, key), value


def literals(account: AccountSettings) -> dict[str, str]:
    """Give the options that stand in the file as they are: no secrets, no variables."""
    return {
        key: value
        for key, value in account.options.items()
        if isinstance(value, str) and not VARIABLE.search(value)
    }
