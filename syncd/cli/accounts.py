"""doctor accounts: are the accounts of a configuration fit, and their audiences?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from syncd.app import account_key, connector_of, platforms
from syncd.cli.output import say
from syncd.clock import SystemClock
from syncd.errors import ConfigError, PlatformError, SyncdError
from syncd.ledger.making import key_of
from syncd.ledger.opening import is_blank, open_ledger
from syncd.ledger.store import Ledger
from syncd.model import Finding
from syncd.model.making import chosen_facts, facts_apart
from syncd.ports import Connector, Examines, Expires
from syncd.runs import expiry
from syncd.runs.audiences import unlike
from syncd.settings import Settings, check_accounts, flagged, ledger_password, load

_SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True)
class Looked:
    """One finding, by the names that a person knows.

    Attributes:
        account: In the configuration.
        audience: Its name; "" where it is of the account itself.
    """

    account: str
    platform: str
    audience: str
    finding: Finding


@dataclass(frozen=True, slots=True)
class Report:
    """What a look at all accounts came to.

    Attributes:
        ledger: Why audiences were looked up by their names; "" where a ledger knows them.
        fit: Whether the ledger, if there is one, could be read.
    """

    looked: tuple[Looked, ...]
    ledger: str
    fit: bool

    @property
    def good(self) -> bool:
        """Whether nobody has to do anything."""
        return self.fit and all(one.finding.good for one in self.looked)


def look(config: Path | None) -> Report:
    """Look at every account and audience; changes nothing, and needs no ledger.

    Raises:
        syncd.errors.ConfigError: The configuration cannot be read.
    """
    settings = load(config)
    check_accounts(settings, platforms())
    with _ledger(settings) as (ledger, said, fit):
        looked = [each for name in settings.accounts for each in _account(settings, name, ledger)]
    looked += _names(settings)
    return Report(tuple(looked), said, fit)


@contextmanager
def _ledger(settings: Settings) -> Iterator[tuple[Ledger | None, str, bool]]:
    """The ledger if there is one; and what there is to say where there is none."""
    url = settings.ledger.url
    if url.startswith(_SQLITE) and is_blank(Path(url.removeprefix(_SQLITE))):
        yield None, "there is no ledger yet, so audiences were looked up by name", True
        return
    try:
        if settings.ledger.key is None and not (settings.ledger.directory / "ledger.key").exists():
            raise ConfigError(f"ledger.key: there is none in {settings.ledger.directory}")
        password, key = ledger_password(settings), key_of(settings)
        ledger = open_ledger(url, password=password, key=key, clock=SystemClock())
    except SyncdError as error:
        yield (
            None,
            f"the ledger cannot be read, so audiences were looked up by name: {error}",
            False,
        )
        return
    try:
        yield ledger, "", True
    finally:
        ledger.close()


def _names(settings: Settings) -> Iterator[Looked]:
    """What is to be said of audiences by their names alone."""
    for name, said in flagged(settings, platforms()):
        sync = settings.syncs[name]
        platform = settings.accounts[sync.account].connector
        finding = Finding("", "warning", "wording", said)
        yield Looked(sync.account, platform, str(sync.audience.name), finding)


def _account(settings: Settings, name: str, ledger: Ledger | None) -> Iterator[Looked]:
    account = settings.accounts[name]
    platform = platforms()[account.connector]

    def found(finding: Finding, audience: str = "") -> Looked:
        return Looked(name, platform.name, audience, finding)

    try:
        connector = connector_of(settings, name)
        yield from map(found, _credential(connector))
        if not isinstance(connector, Examines):
            said = f"{platform.title} does not say whether an account is fit; a run will"
            yield found(Finding("", "good", "not_examined", said))
            return
        for finding, audience in _examined(connector, *_audiences(settings, name, ledger)):
            yield found(finding, audience)
            if finding.subject and finding.verdict != "unusable":
                for other in _unlike(settings, name, connector, finding.subject, audience):
                    yield found(other, audience)
    except ConfigError as error:
        yield found(Finding("", "denied", "configuration", str(error)))
    except PlatformError as error:
        said = f"it could not be asked, so nothing is known: {error.hint}"
        yield found(Finding("", "warning", error.code, said, reference=error.reference))


def _credential(connector: Connector) -> Iterator[Finding]:
    """When its credential ends, if its platform states that; nothing where it cannot be asked."""
    if not isinstance(connector, Expires):
        return
    try:
        ends = connector.expiry()
    except PlatformError:
        return  # what is wrong with the account itself, the next question tells
    if ends is None:
        return
    now = SystemClock().now()
    said = f"its credential: {expiry.sentence(ends, now)}"
    if expiry.is_near(ends, now):
        yield Finding("", "warning", "credential", f"{said}; make a new one before that")
    else:
        yield Finding("", "good", "credential", said)


def _examined(
    connector: Connector, known: Mapping[str, str], wanted: Sequence[str]
) -> Iterator[tuple[Finding, str]]:
    """What a connector says of its account and audiences, each with the audience's name."""
    if not isinstance(connector, Examines):
        return
    findings = connector.examine(tuple(known))
    for one in findings:
        yield one, known.get(one.subject, one.subject)
    if all(one.verdict != "denied" for one in findings):
        for audience in wanted:
            for one in _by_name(connector, audience):
                yield one, audience


def _audiences(
    settings: Settings, name: str, ledger: Ledger | None
) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """The account's audiences: those whose id is known, with their names, and other names."""
    at = (settings.accounts[name].connector, account_key(settings, name))
    kept = [
        one
        for one in (ledger.audiences() if ledger else ())
        if (one.platform, one.account) == at and one.state == "active"
    ]
    known, names = {one.id: one.name for one in kept}, {one.name for one in kept}
    configured = [sync.audience for sync in settings.syncs.values() if sync.account == name]
    known |= {one.id: one.id for one in configured if one.id and one.id not in known}
    return known, tuple(one.name for one in configured if one.name and one.name not in names)


def _by_name(connector: Connector, name: str) -> tuple[Finding, ...]:
    """What there is to say of an audience that no ledger knows."""
    ids = tuple(one.id for one in connector.find(name))
    if not ids:
        return (Finding("", "good", "not_made", "it is not there yet; the first run makes it"),)
    if len(ids) > 1:
        said = (
            f"{len(ids)} audiences have this name (ids {', '.join(sorted(ids))}); rename one, or "
            'say which by `audience: {id: "..."}`'
        )
        return (Finding("", "unusable", "ambiguous", said),)
    if not isinstance(connector, Examines):
        return ()
    return tuple(one for one in connector.examine(ids) if one.subject)


def _unlike(
    settings: Settings, account: str, connector: Connector, audience_id: str, name: str
) -> Iterator[Finding]:
    """Whether an audience was made otherwise than its sync needs it, and cannot be changed."""
    platform = platforms()[settings.accounts[account].connector]
    if not facts_apart(platform.audience_options):
        return
    for sync in settings.syncs.values():
        if sync.account == account and (sync.audience.id or sync.audience.name) in {
            audience_id,
            name,
        }:
            facts = chosen_facts(platform.audience_options, sync.audience.options)
            wrong = unlike(platform, connector.read(audience_id), frozenset(facts))
            if wrong:
                yield Finding(audience_id, "unusable", "made_otherwise", wrong)


def tell(report: Report) -> None:
    """Print a line a finding, and what they come to."""
    for one in report.looked:
        what = f"{one.account}, audience {one.audience}" if one.audience else one.account
        found = one.finding
        verdict = found.verdict if found.good else f"{found.verdict.upper()} ({found.code})"
        say(f"{what}: {verdict}: {found.way_on}")
    if report.ledger:
        say(report.ledger)
    wrong = sum(not one.finding.good for one in report.looked)
    accounts = len({one.account for one in report.looked})
    audiences = len({(one.account, one.audience) for one in report.looked if one.audience})
    need = f"{wrong:,} findings need somebody" if wrong else "nothing is wrong with them"
    say(f"{accounts:,} accounts and {audiences:,} audiences were looked at: {need}")
