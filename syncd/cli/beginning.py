"""init: a first configuration, from what a person answers or gives, and whether it is fit."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from syncd.app import platforms
from syncd.cli import doctor, finding, setup
from syncd.cli.output import say
from syncd.errors import ConfigError, UsageError
from syncd.segments import catalogue
from syncd.settings import find, load
from syncd.settings.values import suggest

if TYPE_CHECKING:
    from syncd.ports import Platform
    from syncd.shop.recognising import Found

# Secrets by the names that the systemd units hand over.
_SECRETS = {"access_token": "meta_token", "credentials": "google_key.json"}
_QUESTIONS = {
    "shop_url": "The shop's database, without a password",
    "timezone": "The time zone in which the shop counts its days",
    "country": "The country of customers who have none, two letters",
    "connector": "The platform",
    "account_id": "The account there",
    "segment": "The first segment",
}
_DEFAULTS = {
    "shop_url": "postgresql+psycopg://syncd_ro@localhost/shop",
    "timezone": "UTC",
    "country": "NL",
    "connector": "meta",
    "account_id": "",
    "segment": "newsletter",
}
_TEMPLATE = """\
# yaml-language-server: $schema=syncd.schema.json
# Written by `syncd init`. All other settings, with units and defaults: config/syncd.example.yaml

shop:
  url: {url}
{password}{system}  timezone: {timezone}                        # in which the shop counts its days
  default_country: {country}                   # of customers who have none

# ledger: what syncd keeps is in var/ until you say otherwise; copy var/ledger.key elsewhere

accounts:
  # A secret is never written here: {{file: NAME}} is the systemd credential NAME, else a file
  # beside this one (chmod 600); ${{NAME}} is the environment's.
  {connector}: {{connector: {connector}{options}}}

segments:
  {segment}: {definition}

syncs:
  {segment}-{connector}:
    segment: {segment}
    account: {connector}
    audience: {audience}
    schedule: every 6h     # or manual, {{cron: "0 3 * * mon"}}, {{after: SYNC}}
    guard: {{max_removed: 30%}}     # more removals at once wait for `syncd approve`
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a first configuration is written from; "" where it was not said.

    Attributes:
        shop_url: Of the shop's database, without a password.
        timezone: An IANA name.
        country: Two letters, of customers who have none.
        connector: A platform's name.
        account_id: As the platform writes it.
        segment: The name of the first segment.
    """

    shop_url: str = ""
    timezone: str = ""
    country: str = ""
    connector: str = ""
    account_id: str = ""
    segment: str = ""

    @property
    def said(self) -> Mapping[str, str]:
        """What was said."""
        every = {each.name: str(getattr(self, each.name)) for each in fields(self)}
        return {name: value for name, value in every.items() if value}


def init(config: Path | None, wanted: Wanted) -> None:
    """Write a configuration where there is none; make ledger and key for one that is there.

    The shop's tables are looked at. What neither they nor an option say is asked on a terminal;
    otherwise defaults stand for it. If nothing was said at all, the shipped starter is written.

    Raises:
        syncd.errors.UsageError: There is a configuration, and another was described.
        syncd.errors.ConfigError: What was said cannot be used; nothing was written.
    """
    path = find(config, os.environ)
    asked = sys.stdin.isatty() and not path.exists()
    if path.exists() and wanted.said:
        raise UsageError(f"{path} is there already and was not touched: write to another --config")
    if path.exists() or not (wanted.said or asked):
        setup.init(config)
        return
    answers, found = _answers(wanted, path, asked=asked)
    _write(path, written(answers, found))
    say(f"wrote {path}")
    segment = answers["segment"]
    if finding.write_example(found, segment, path):
        say(f"wrote segments/{segment}.sql beside it: who is in it is for you to say")
    elif not _shipped(segment, found):
        say(f"next: write segments/{segment}.sql beside it")
    say("next: the secrets that it names, each in a file beside it")
    say()
    doctor.report(config=path, as_json=False)


def _answers(wanted: Wanted, path: Path, *, asked: bool) -> tuple[Mapping[str, str], Found | None]:
    """What was said, found or asked; and what the shop's tables are."""
    said = dict(wanted.said)
    answers = {"shop_url": said.get("shop_url") or _answer("shop_url", asked=asked)}
    url = answers["shop_url"]
    if asked and finding.needs_password(url, path):
        _ask(f"Put its password into {path.parent / 'shop_password'} (chmod 600), then Enter", "")
    found = finding.look(url, path)
    if found is not None:
        said = {"timezone": found.timezone, "country": found.country} | said
    served = found is not None and finding.served(found)
    for name in _QUESTIONS:
        default = finding.SEGMENT if name == "segment" and served else ""
        answers[name] = answers.get(name) or said.get(name) or _answer(name, default, asked=asked)
    return answers, found


def _answer(name: str, default: str = "", *, asked: bool) -> str:
    default = default or _DEFAULTS[name]
    return _ask(_QUESTIONS[name], default) if asked else default


def written(answers: Mapping[str, str], found: Found | None = None) -> str:
    """The configuration as text.

    Args:
        answers: As the attributes of `Wanted`, all of them.
        found: What the shop's tables are; None if nobody knows.

    Raises:
        syncd.errors.UsageError: There is no such platform, or a name cannot be one.
    """
    platform = platforms().get(answers["connector"])
    if platform is None:
        hint = suggest(answers["connector"], platforms())
        raise UsageError(f"no platform is called {answers['connector']!r}; {hint}")
    segment = answers["segment"]
    if not segment.replace("-", "").replace("_", "").isalnum():
        raise UsageError(f"{segment!r} cannot name a segment and its file; use letters and -")
    password = (
        "" if answers["shop_url"].startswith("sqlite") else "  password: {file: shop_password}\n"
    )
    return _TEMPLATE.format(
        url=json.dumps(answers["shop_url"]),
        password=password,
        system=finding.shop_lines(found),
        timezone=json.dumps(answers["timezone"]),
        country=json.dumps(answers["country"]),
        connector=platform.name,
        options=_options(platform, answers["account_id"]),
        segment=segment,
        definition=_definition(segment, found),
        audience=json.dumps(segment.replace("-", " ").capitalize()),
    )


def _definition(segment: str, found: Found | None) -> str:
    if _shipped(segment, found):
        return f"{{use: {segment}}}    # shipped; `syncd segments list` has more"
    return f"{{sql: segments/{segment}.sql}}    # one SELECT: customer_key, email, phone, ..."


def _shipped(segment: str, found: Found | None) -> bool:
    """Whether it is a segment of the catalogue, and of a shop that the catalogue reads."""
    if found is None or not finding.served(found):
        return False
    return segment in {one.name for one in catalogue()}


def _options(platform: Platform, account: str) -> str:
    """What an account of the platform must be given: its id, and references to its secrets."""
    found = list[str]()
    for option in platform.options:
        if option.required and option.secret:
            name = _SECRETS.get(option.name, f"{platform.name}_{option.name}")
            found.append(f", {option.name}: {{file: {name}}}")
        elif option.required:
            if not account:
                raise UsageError(
                    f"say which account: --account-id, the {option.name} at {platform.title}"
                )
            found.append(f", {option.name}: {json.dumps(account)}")
    return "".join(found)


def _write(path: Path, text: str) -> None:
    """Put the file there whole, or not at all if it cannot be used."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    try:
        draft.write_text(text, "utf-8")
        _check(draft, path)
        os.link(draft, path)  # unlike a rename, this never replaces another's
    except FileExistsError:
        raise UsageError(f"{path} is there already and was not touched") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from None
    finally:
        draft.unlink(missing_ok=True)


def _check(draft: Path, path: Path) -> None:
    """Refuse a text that is no configuration, by the name that it would have had."""
    try:
        load(draft)
    except ConfigError as error:
        raise ConfigError(str(error).replace(str(draft), str(path))) from None


def _ask(question: str, default: str) -> str:
    """A person's answer, or the default for an empty line."""
    sys.stderr.write(f"{question}{f' [{default}]' if default else ''}: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip() or default
