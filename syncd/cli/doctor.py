"""doctor: is what is installed here, and configured, fit to send?"""

from __future__ import annotations

import os
import platform
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import phonenumbers

from syncd.app import platforms
from syncd.cli import accounts, checkup
from syncd.cli.output import print_json, say, table
from syncd.identity import proof
from syncd.identity.rules import GOOGLE, META, rule_set
from syncd.settings import find


@dataclass(frozen=True, slots=True)
class Checked:
    """What one check came to.

    Attributes:
        good: Whether nothing is wrong.
        facts: For programs.
        tell: Prints it for people.
        lines: What of it stands in the table of all.
    """

    good: bool
    facts: Mapping[str, object]
    tell: Callable[[], None]
    lines: tuple[checkup.Line, ...] = ()


def check(*names: str, config: Path | None, as_json: bool) -> None:
    """Make these checks, all if none is named; exit 1 unless all is well."""
    sys.exit(0 if report(*names, config=config, as_json=as_json) else 1)


def report(*names: str, config: Path | None, as_json: bool) -> bool:
    """Make these checks and print them; says whether all is well."""
    asked = names or tuple(CHECKS)
    here: tuple[checkup.Line, ...] = ()
    if not names:
        here = checkup.look(config)
        if not _configured(config) or not _readable(here):
            asked = tuple(name for name in CHECKS if name != "accounts")
    found = {name: CHECKS[name](config) for name in asked}
    if here:
        found = {"here": _here(here, found), **found}
    if as_json:
        print_json({name: {"good": one.good, **one.facts} for name, one in found.items()})
    else:
        for one in found.values():
            one.tell()
            say()
        if "accounts" not in asked and not names:
            path = find(config, os.environ)
            why = "there is no" if not path.exists() else "nothing can be made of"
            say(f"no account was looked at: {why} {path}")
    return all(one.good for one in found.values())


def _configured(config: Path | None) -> bool:
    """Whether there is a configuration, or should be one."""
    return bool(config or os.environ.get("SYNCD_CONFIG")) or find(None, os.environ).exists()


def _readable(lines: tuple[checkup.Line, ...]) -> bool:
    return all(line.what != "configuration" or line.verdict != "bad" for line in lines)


def _here(lines: tuple[checkup.Line, ...], others: Mapping[str, Checked]) -> Checked:
    """The table of all; what else was checked is told below it at length."""
    good = all(line.verdict != "bad" for line in lines)

    def tell() -> None:
        every = (*lines, *(line for one in others.values() for line in one.lines))
        table(("checked", "", "what to know or do"), [(e.what, e.verdict, e.said) for e in every])

    return Checked(good, {"lines": lines}, tell)


def _accounts(config: Path | None) -> Checked:
    report = accounts.look(config)
    facts = {"findings": report.looked, "ledger": report.ledger}
    return Checked(report.good, facts, lambda: accounts.tell(report), tuple(_each(report)))


def _each(report: accounts.Report) -> Iterator[checkup.Line]:
    """A line an account: how much of it needs somebody, the worst first."""
    for name in dict.fromkeys(one.account for one in report.looked):
        found = [one.finding for one in report.looked if one.account == name]
        wrong = [one for one in found if not one.good]
        verdict: checkup.Verdict = (
            "bad" if any(one.verdict != "warning" for one in wrong) else "warn"
        )
        if wrong:
            said = wrong[0].way_on if len(wrong) == 1 else f"{len(wrong):,} findings, see below"
            yield checkup.Line(f"account {name}", verdict, said)
        else:
            yield checkup.Line(
                f"account {name}", "ok", "nothing of it or of its audiences needs anybody"
            )


def _identity(_: Path | None) -> Checked:
    proven = proof.run()
    failures = [failure for one in proven for failure in one.failures]
    facts = {"proven": proven, "versions": _versions()}
    good = bool(proven) and not failures
    count = sum(one.vectors for one in proven)
    said = (
        f"{count:,} vectors, all come out right" if good else "digests may match nobody, see below"
    )
    line = checkup.Line("identity", "ok" if good else "bad", said)
    return Checked(good, facts, lambda: _tell_identity(proven, failures), (line,))


def _tell_identity(proven: tuple[proof.Proven, ...], failures: list[str]) -> None:
    table(
        ("platform", "field", "vectors", "official", "failures"),
        [(one.platform, one.field, one.vectors, one.official, len(one.failures)) for one in proven],
    )
    say()
    for failure in failures:
        say(failure)
    count = sum(one.vectors for one in proven)
    official = sum(one.official for one in proven)
    if not proven:
        say("no vectors are installed, so nothing is proven: install syncd anew")
    elif failures:
        say(
            f"{len(failures):,} of {count:,} vectors come out wrong: what this copy sends may "
            "match nobody. Send nothing; install syncd anew, with the versions of its "
            "requirements.lock"
        )
    else:
        say(f"all {count:,} vectors come out right, {official:,} of them the platforms' own")
    for name, version in _versions().items():
        say(f"  {name}: {version}")


def _versions() -> dict[str, str]:
    """What decides a digest beside syncd's own code."""
    installed = [rule_set(one.rules) for one in platforms().values()]
    rules = dict.fromkeys(f"{one.name} {one.version}" for one in (META, GOOGLE, *installed))
    return {
        "rule sets": ", ".join(rules),
        "phone numbers": f"phonenumbers {phonenumbers.__version__}",
        "Unicode": f"{unicodedata.unidata_version} (Python {platform.python_version()})",
    }


CHECKS: Mapping[str, Callable[[Path | None], Checked]] = {
    "identity": _identity,
    "accounts": _accounts,
}
