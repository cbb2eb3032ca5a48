"""The forms that values take in YAML: percents, durations, schedules, secrets, addresses.

Each `parse_*` takes what YAML read and returns a typed value or raises `ValueError`
with a text that follows the key's path. None of those texts repeats a secret.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from syncd.model import MOST_ARMS, MOST_HELD_OUT
from syncd.settings.cron import parse_cron

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
_ROUNDED = 0.001  # what 33.3% three times leaves
MAX_DAYS = 3660  # ten years; longer is a slip of the pen

VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
PASSWORD_KEYS = frozenset({"password", "passwd", "pwd", "pass", "sslpassword"})


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A reference to a secret, resolved only at use; shown as `***`.

    Attributes:
        file: NAME of `{file: NAME}`, or empty.
        variable: NAME of `${NAME}`, or empty.
    """

    file: str = ""
    variable: str = ""

    def __repr__(self) -> str:
        return "***"


@dataclass(frozen=True, slots=True)
class Every:
    """A run each time this much time has passed."""

    interval: timedelta


@dataclass(frozen=True, slots=True)
class Cron:
    """Runs by a cron expression of five fields, in the shop's time zone: see `read_cron`."""

    expression: str


@dataclass(frozen=True, slots=True)
class After:
    """A run whenever another sync's run has ended well."""

    sync: str


@dataclass(frozen=True, slots=True)
class Manual:
    """A run only when somebody asks for it."""


Schedule = Every | Cron | After | Manual


def suggest(name: str, known: Iterable[str]) -> str:
    """Say which known name was probably meant, or which ones there are."""
    names = sorted(known)
    lowered = {each.lower(): each for each in names}
    near = difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=0.5)
    if near:
        return f"did you mean {lowered[near[0]]}?"
    return f"there is {', '.join(names)}" if names else "there is none"


def parse_percent(value: object) -> float:
    """Read `30%` or `0.3` as a share from 0 to 1."""
    match value:
        case bool():
            pass
        case str() if re.fullmatch(r"[0-9]{1,3}(?:\.[0-9]+)?\s*%", value.strip()):
            share = float(value.strip().rstrip("%")) / 100
            if share <= 1:
                return share
        case int() | float() if 0 <= value <= 1:
            return float(value)
        case _:
            pass
    raise ValueError("must be a share such as 30% or 0.3, from 0 to 1")


def parse_holdout(value: object) -> tuple[float, str]:
    """Read `5%`, or `{share: 5%, seed: spring}`; without a seed the segment's name is it."""
    given: dict[object, object] = dict(value) if isinstance(value, dict) else {"share": value}
    unknown = [str(key) for key in given if key not in {"share", "seed"}]
    if unknown:
        raise ValueError(f"unknown key {unknown[0]}; {suggest(unknown[0], ('share', 'seed'))}")
    share, seed = parse_percent(given.get("share")), given.get("seed", "")
    if not isinstance(seed, str) or ("seed" in given and not re.fullmatch(NAME, seed)):
        raise ValueError("seed: must be a name of letters, digits, `.`, `_` and `-`")
    if not 0 < share <= MOST_HELD_OUT:
        raise ValueError(
            f"must be more than 0% and at most {MOST_HELD_OUT:.0%}: the control is compared with "
            "the rest; leave `holdout` out for none"
        )
    return share, seed


def parse_arms(value: object) -> tuple[dict[str, float], str]:
    """Read `[a, b]`, `{a: 60%, b: 40%}`, or `{shares: either, seed: spring}`.

    Returns:
        Shares by arm, in the order of their names, and the seed: empty for the segment's name.
    """
    seed = ""
    if isinstance(value, dict) and isinstance(value.get("shares"), dict | list):
        unknown = [str(key) for key in value if key not in {"shares", "seed"}]
        if unknown:
            raise ValueError(f"unknown key {unknown[0]}; {suggest(unknown[0], ('shares', 'seed'))}")
        seed, value = value.get("seed", ""), value["shares"]
        if not isinstance(seed, str) or (seed and not re.fullmatch(NAME, seed)):
            raise ValueError("seed: must be a name of letters, digits, `.`, `_` and `-`")
    match value:
        case list() if len({str(name) for name in value}) == len(value):
            shares = {name: 1 / len(value) for name in value}
        case dict():
            shares = {name: parse_percent(share) for name, share in value.items()}
        case _:
            raise ValueError("must be [a, b], each once, or {a: 60%, b: 40%}")
    _check_arms(shares)
    return dict(sorted(shares.items())), seed


def _check_arms(shares: Mapping[object, float]) -> None:
    wrong = [name for name in shares if not isinstance(name, str) or not re.fullmatch(NAME, name)]
    if wrong:
        raise ValueError(
            f"{wrong[0]}: an arm is a name of letters, digits, `.`, `_` and `-`, in quotes where "
            "YAML would take it for something else"
        )
    if not 2 <= len(shares) <= MOST_ARMS:  # noqa: PLR2004 - one arm is no split
        raise ValueError(f"has {len(shares)} arms; it must have 2 to {MOST_ARMS}")
    total = sum(shares.values())
    if min(shares.values()) <= 0 or abs(total - 1) > _ROUNDED:
        raise ValueError(
            f"come to {total * 100:g}%: each must be more than 0%, and all together 100%; whom "
            "no arm is to have, `holdout` keeps out"
        )


def parse_duration(value: object) -> timedelta:
    """Read `90s`, `30m`, `48h` or `7d`."""
    found = re.fullmatch(r"([0-9]{1,9})\s*([smhd])", value) if isinstance(value, str) else None
    if found:
        length = timedelta(**{UNITS[found[2]]: int(found[1])})
        if length <= timedelta(days=MAX_DAYS):
            return length
    raise ValueError(f"must be a duration such as 90s, 30m, 48h or 7d, at most {MAX_DAYS}d")


def parse_interval(value: object) -> timedelta:
    """Read a duration of at least one second."""
    length = parse_duration(value)
    if not length:
        raise ValueError("must be longer than nothing, such as 30m")
    return length


def parse_schedule(value: object) -> Schedule:
    """Read `every 6h`, `manual`, `{cron: "0 3 * * mon"}` or `{after: SYNC}`."""
    match value:
        case Every() | Cron() | After() | Manual():
            return value
        case "manual":
            return Manual()
        case str() if value.startswith("every "):
            interval = parse_interval(value.removeprefix("every ").strip())
            if interval < timedelta(minutes=1):
                raise ValueError("must leave a minute between runs, such as every 1m")
            return Every(interval)
        case {"cron": str(expression), **rest} if not rest:
            return Cron(parse_cron(expression))
        case {"after": str(sync), **rest} if not rest:
            return After(sync)
        case dict():
            unknown = [key for key in value if key not in {"cron", "after"}]
            if unknown:
                hint = suggest(unknown[0], ("cron", "after"))
                raise ValueError(f"unknown key {unknown[0]}; {hint}")
        case _:
            pass
    raise ValueError('must be every 6h, manual, {cron: "0 3 * * mon"} or {after: SYNC}')


def parse_secret(value: object) -> Secret:
    """Read `{file: NAME}` or `${NAME}`; refuse a secret that stands in the file."""
    match value:
        case Secret():
            return value
        case {"file": str(name), **rest} if name and not rest:
            return Secret(file=name)
        case str() if found := VARIABLE.fullmatch(value):
            return Secret(variable=found[1])
        case str():
            raise ValueError("a secret may not be written here: use {file: NAME} or ${NAME}")
        case dict():
            unknown = [key for key in value if key != "file"]
            if unknown:
                raise ValueError(f"unknown key {unknown[0]}; {suggest(unknown[0], ('file',))}")
        case _:
            pass
    raise ValueError("must be {file: NAME} or ${NAME}")


def parse_url(value: object) -> str:
    """Check that a database URL is one, and holds no password."""
    if not isinstance(value, str) or not re.match(r"[a-z][a-z0-9_]*(\+[a-z0-9_]+)?://", value):
        raise ValueError("must be an SQLAlchemy URL such as postgresql+psycopg://user@host/name")
    # SQLAlchemy's own notion of a login: its password runs to the last "@" it can find.
    login = re.match(r"[^:/]*:[^@]*@", value.split("://", 1)[1])
    query = value.partition("?")[2]
    names = {name.lower() for name, _ in parse_qsl(query, keep_blank_values=True)}
    if login or names & PASSWORD_KEYS:
        raise ValueError(
            "holds a password: leave it out of the URL and give `password: {file: NAME}` beside it"
        )
    return value


def parse_endpoint(value: object) -> str:
    """Check an address of another server; plain text only on this machine."""
    if not isinstance(value, str) or not value.isascii() or re.search(r"\s", value):
        raise ValueError("must be https://host[:port] or host:port")
    parts = urlsplit(value if "://" in value else f"//{value}")
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("must name a port from 1 to 65535") from None
    if not host or parts.scheme not in {"", "http", "https"} or (not parts.scheme and not port):
        raise ValueError("must be https://host[:port] or host:port")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("may hold a host, a port and a path, and no login")
    if parts.scheme == "http" and not is_loopback(value):
        raise ValueError("plain http:// is accepted for this machine only: use https://")
    return value


def parse_receiver(value: object) -> str | Secret:
    """Read where a webhook goes: an address without a secret in it, or a reference."""
    if isinstance(value, dict) or (isinstance(value, str) and VARIABLE.fullmatch(value)):
        return parse_secret(value)
    address = parse_endpoint(value)
    if "${" in address or "://" not in address:
        raise ValueError("must be https://host[:port]/path, {file: NAME} or ${NAME}")
    return address


def parse_listen(value: object) -> str:
    """Read where to listen: a path, or host:port of this machine alone."""
    if not isinstance(value, str) or not value:
        raise ValueError("must be the path of a socket, or 127.0.0.1:PORT")
    if "/" in value or value.endswith(".sock"):
        return value
    address = listen_address(value)
    if address is None:
        raise ValueError("must be the path of a socket, or 127.0.0.1:PORT")
    if not is_loopback(value):
        raise ValueError(
            f"{address[0]} is not only this machine: use 127.0.0.1:{address[1]}, and a proxy of "
            "your own before it if others are to come in"
        )
    return value


def listen_address(value: str) -> tuple[str, int] | None:
    """Host and port of host:port; None if it is a path."""
    found = re.fullmatch(r"([^/]+):([0-9]{1,5})", value)
    if found is None or not 0 < int(found[2]) < 2**16:
        return None
    return found[1].strip("[]"), int(found[2])


def is_loopback(endpoint: str) -> bool:
    """Whether an endpoint can only mean this machine."""
    host = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}").hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def parse_timezone(value: object) -> str:
    """Check an IANA zone's name."""
    if isinstance(value, str):
        try:
            return ZoneInfo(value).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            pass
    raise ValueError("must be an IANA time zone such as Europe/Amsterdam or UTC")


def parse_country(value: object) -> str:
    """Check a country's two letters."""
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z]{2}", value):
        if value.upper() == "UK":
            raise ValueError("must be ISO 3166's two letters: GB, not UK")
        return value.upper()
    raise ValueError("must be ISO 3166's two letters such as NL")
