"""The one place that wires: settings to objects, connectors by entry point."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache, cached_property, partial
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from syncd.clock import SystemClock
from syncd.errors import ConfigError, UsageError
from syncd.gate import Gates
from syncd.identity.rules import GOOGLE, META, rule_set
from syncd.leaving.erasure import SETTLE, Desk, ErasingAccount
from syncd.ledger import directory
from syncd.ledger.audiences import KnownAudience
from syncd.ledger.keys import Key
from syncd.ledger.lock import hold
from syncd.ledger.making import key_of, make_if_new
from syncd.ledger.opening import open_ledger
from syncd.ledger.store import Ledger
from syncd.membership.leftovers import Leftovers
from syncd.model import Arms, Guard, Holdout, IdentifierKind, SegmentQuery, Sync, Timing
from syncd.model.making import chosen_facts, facts_apart
from syncd.ports import Clock, Connector, Platform, Recalls
from syncd.queries import Queries
from syncd.retry import Patience
from syncd.runs.parts import Guarded, Parts, Progress, Unlocked, nobody, silent
from syncd.runs.shared import Place, Shared
from syncd.settings import (
    Settings,
    check_accounts,
    configuration_digest,
    defined,
    ledger_password,
    load,
    resolve_account,
)
from syncd.settings.values import suggest

# The rooms that work with columns are imported when they are used: a daemon that waits for
# its first run, and a command that asks the ledger, do without half of their memory.
# ruff: noqa: PLC0415
if TYPE_CHECKING:
    from syncd.identity.arms import Split
    from syncd.identity.control import Control
    from syncd.identity.digest import Policy
    from syncd.membership.store import FileMembership
    from syncd.membership.survivors import SurvivingFiles
    from syncd.scoring import ScoringShop


class App:
    """An open configuration: its ledger, its files, and parts for each sync."""

    def __init__(self, settings: Settings, ledger: Ledger, key: Key, clock: Clock) -> None:
        self.settings = settings
        self.ledger = ledger
        self.clock = clock
        self.directory = settings.ledger.directory
        self.leftovers = Leftovers(self.directory)
        self._key = key
        self.tombstone_key, self.shown_key = key.derive("tombstone"), key.derive("shown")
        self.fingerprint_key = key.derive("fingerprint")
        self.lock: Guarded = Unlocked()
        self.gates, self.shared = Gates(ledger.accounts), Shared()

    @cached_property
    def membership(self) -> FileMembership:
        """What audiences hold; all of one directory share its leftovers, and nothing else."""
        from syncd.membership.store import FileMembership

        files, past = self._key.derive("files"), self.settings.ledger.history
        return FileMembership(self.directory, key=files, leftovers=self.leftovers, history=past)

    @property
    def surviving(self) -> SurvivingFiles:
        """What a lost ledger can be made from again."""
        from syncd.membership.survivors import SurvivingFiles

        return SurvivingFiles(self.directory, key=self._key.derive("files"))

    @cached_property
    def shop(self) -> ScoringShop:
        """The shop's database; connects when first read."""
        from syncd.scoring import open_scoring_shop

        keeps = not isinstance(self.lock, Unlocked)
        return open_scoring_shop(self.settings, self.ledger.fitted, self.clock, keeps=keeps)

    def names(self, prefix: str) -> str:
        """A new id: its kind, the moment, and enough chance to be alone."""
        return f"{prefix}{self.clock.now():%y%m%d%H%M%S}{secrets.token_hex(3)}"

    @property
    def queries(self) -> Queries:
        """What the configured segments are asked with."""
        return Queries(self.settings, self._key.derive("guest"), lambda: self.shop.plain)

    def query(self, segment: str, as_of: datetime) -> SegmentQuery:
        """A configured segment, or one of the catalogue, as of a moment: see `Queries.of`."""
        return self.queries.of(segment, as_of)

    def control(self, holdout: Holdout) -> Control:
        """Who a hold-out holds out."""
        from syncd.identity.control import Control

        return Control(self._key.derive("holdout"), holdout)

    def split(self, arms: Arms) -> Split:
        """Who is in which arm."""
        from syncd.identity.arms import Split

        return Split(self._key.derive("arm"), arms)

    def sync(self, name: str) -> Sync:
        """A configured sync as the core takes it.

        Raises:
            syncd.errors.UsageError: There is none of that name.
        """
        if name not in self.settings.syncs:
            hint = suggest(name, self.settings.syncs)
            raise UsageError(f"no sync is called {name!r}; {hint}")
        chosen = self.settings.syncs[name]
        platform, account = self.account_of(name)
        facts = chosen_facts(platforms()[platform].audience_options, chosen.audience.options)
        expired = self.settings.expired(chosen.segment, self.clock.now())
        sql = self.queries.definition(chosen.segment)
        return Sync(
            name=name,
            segment=chosen.segment,
            platform=platform,
            account=account,
            audience_name=chosen.audience.name,
            audience_id=chosen.audience.id,
            removes=chosen.mode == "mirror",
            takes_out=chosen.mode == "remove",
            consent=chosen.consent,
            guard=chosen.guard.as_guard(),
            timing=chosen.timing,
            max_unusable=chosen.max_unusable,
            configuration=configuration_digest(
                self.settings, name, sql_digest=sql, facts=facts, expired=expired is not None
            ),
            audience_options=chosen.audience.options,
            audience_lint=chosen.audience.lint,
            facts=frozenset(facts),
            holdout=self.settings.holdout(chosen.segment),
            expired=expired,
            arms=self.settings.arms(chosen.segment) if chosen.arm else None,
            arm=chosen.arm,
            definition=defined(self.settings, chosen.segment, sql),
        )

    def account_of(self, sync: str) -> tuple[str, str]:
        """The platform and the account of a configured sync, as the ledger names them."""
        name = self.settings.syncs[sync].account
        return self.settings.accounts[name].connector, account_key(self.settings, name)

    def lifespan_of(self, sync: str) -> timedelta | None:
        """For how long its platform keeps members, where an audience does not say so."""
        return platforms()[self.account_of(sync)[0]].capabilities.lifespan

    def parts(self, name: str, *, progress: Progress = silent) -> Parts:
        """Everything that a run of this sync works with."""
        from syncd.identity.digest import Policy

        sync = self.sync(name)
        chosen = self.settings.syncs[name]
        platform = platforms()[sync.platform]
        kinds = frozenset(chosen.identifiers) & platform.capabilities.kinds
        if not kinds:
            taken = ", ".join(k.value for k in IdentifierKind if k in platform.capabilities.kinds)
            raise ConfigError(
                f"syncs.{name}.identifiers: {platform.title} matches none of them; it takes {taken}"
            )
        policy = Policy(
            rules=rule_set(platform.rules),
            kinds=kinds,
            default_country=self.settings.shop.default_country,
            max_identifiers=platform.capabilities.max_identifiers,
            prehashed=self.settings.segments[sync.segment].prehashed,
            details=frozenset(chosen.details) & platform.capabilities.details,
            facts=sync.facts
            | platform.capabilities.facts.difference(facts_apart(platform.audience_options)),
        )
        query = partial(self.queries.nobody if sync.expired else self.queries.sent, sync.segment)
        return replace(self._parts(sync, chosen.account, policy, query), progress=progress)

    def _parts(
        self, sync: Sync, account: str, policy: Policy, query: Callable[[datetime], SegmentQuery]
    ) -> Parts:
        """What a sync works with on a configured account."""
        from syncd.identity.digest import digest
        from syncd.identity.erased import Watch
        from syncd.identity.fingerprints import fingerprints

        patience = self._patience(account)
        return Parts(
            sync=sync,
            ledger=self.ledger,
            directory=self.directory,
            membership=self.membership,
            shop=self.shop,
            platform=platforms()[sync.platform],
            connect=partial(self._connect, account, patience),
            rules_name=policy.version,
            query=query,
            digest=partial(digest, policy=policy),
            shape=policy.shape,
            fingerprints=partial(fingerprints, key=self.fingerprint_key, shape=policy.shape),
            clock=self.clock,
            names=self.names,
            known_syncs=frozenset(self.settings.syncs),
            lock=self.lock,
            patience=patience,
            watch=Watch(self.tombstone_key, policy.default_country, policy.prehashed),
            control=self.control(sync.holdout).marks if sync.holdout else nobody,
            elsewhere=partial(self.split(sync.arms).beside, sync.arm) if sync.arms else nobody,
            shared=self.shared,
        )

    def asked(self, names: Iterable[str]) -> Mapping[str, Place]:
        """Syncs of which runs are asked for, as `Shared` knows them; those that there are."""
        syncs = self.settings.syncs
        return {
            name: Place(syncs[name].segment, partial(self.parts, name))
            for name in names
            if name in syncs
        }

    @property
    def settle(self) -> timedelta:
        """The longest settle window of any sync."""
        return max([SETTLE, *(each.timing.settle for each in self.settings.syncs.values())])

    def desk(self) -> Desk:
        """What an erasure as a whole works with."""
        installed = [rule_set(platform.rules) for platform in platforms().values()]
        return Desk(
            ledger=self.ledger,
            membership=self.membership,
            accounts=tuple(
                ErasingAccount(
                    platforms()[account.connector],
                    account_key(self.settings, name),
                    partial(self._connect, name, patience),
                    patience,
                )
                for name, account in self.settings.accounts.items()
                for patience in [self._patience(name)]
            ),
            parts_of=self.parts_of,
            rules=(META, GOOGLE, *installed),
            key=self.tombstone_key,
            default_country=self.settings.shop.default_country,
            clock=self.clock,
            names=self.names,
            settle=self.settle,
        )

    def parts_of(self, audience: KnownAudience) -> Parts | None:
        """What it takes to remove from an audience, also from one that no sync fills any more.

        None where its account is not configured any more.
        """
        at = (audience.platform, audience.account)
        if audience.sync in self.settings.syncs:
            parts = self.parts(audience.sync)
            if (parts.sync.platform, parts.sync.account) == at:
                return parts
        for name, account in self.settings.accounts.items():
            if (account.connector, account_key(self.settings, name)) == at:
                return self._orphaned(audience, name)
        return None

    def _orphaned(self, audience: KnownAudience, account: str) -> Parts:
        """Parts that read no segment and add nobody."""
        from syncd.identity.digest import Policy

        platform = platforms()[audience.platform]
        country = self.settings.shop.default_country
        policy = Policy(rule_set(platform.rules), frozenset(), country, 0)

        def nothing(_: datetime) -> SegmentQuery:
            raise RuntimeError("an audience that no sync fills has no segment to read")

        emptied = Sync(
            name=audience.sync,
            segment="",
            platform=audience.platform,
            account=audience.account,
            audience_name=audience.name,
            audience_id=audience.id,
            removes=False,
            consent="granted",
            guard=Guard(),
            timing=Timing(),
            max_unusable=1.0,
            configuration="",
        )
        return self._parts(emptied, account, policy, nothing)

    def _connect(self, account: str, patience: Patience) -> Connector:
        platform = platforms()[self.settings.accounts[account].connector]
        connector = connector_of(self.settings, account)
        if isinstance(connector, Recalls):
            key = account_key(self.settings, account)
            connector.recall(partial(self.ledger.accounts.sent, platform.name, key))
        return patience.heed(platform, connector)

    def _patience(self, account: str) -> Patience:
        """What one run may spend on trying again, behind the account's gate."""
        platform = self.settings.accounts[account].connector
        gate = self.gates.of(platform, account_key(self.settings, account))
        return Patience(self.clock, gate, account)


@contextmanager
def open_app(
    config: Path | None,
    *,
    holder: str | None = None,
    clock: Clock | None = None,
    fitting: bool = True,
) -> Iterator[App]:
    """Open a configuration and its ledger.

    Args:
        config: The file; None for `$SYNCD_CONFIG`, then `config/syncd.yaml`.
        holder: Take the lock under this name, as all do that plan or push.
        clock: Another clock than the machine's.
        fitting: With the lock, ledger and directory must fit; False for `rebuild` alone.

    Raises:
        syncd.errors.Busy: Another process holds the lock.
        syncd.errors.ConfigError: Something in the configuration or the ledger is wrong.
    """
    settings = load(config)
    check_accounts(settings, platforms())
    used = clock or SystemClock()
    with ExitStack() as held:
        password = ledger_password(settings)
        url, folder = settings.ledger.url, settings.ledger.directory
        lock = None
        if holder is not None:
            lock = held.enter_context(hold(folder, holder=holder, url=url, password=password))
        key = key_of(settings)
        make_if_new(settings, key)
        ledger = open_ledger(url, password=password, key=key, clock=used)
        held.callback(ledger.close)
        app = App(settings, ledger, key, used)
        if lock is not None:
            app.lock = lock
        if lock is not None and fitting:
            directory.check(ledger, folder)
            app.leftovers.sweep(ledger.named_files)
        yield app


@cache
def platforms() -> Mapping[str, Platform]:
    """Installed connectors by name; loading one does not import its vendor's SDK.

    Looked up once a process: it reads what every installed package says of itself, 20 ms for a
    hundred of them, and a run asks some twenty times.
    """
    found = {entry.name: entry.load() for entry in entry_points(group="syncd.connectors")}
    return MappingProxyType(found)


def connector_of(settings: Settings, account: str) -> Connector:
    """The connector of a configured account; this reads its secrets and sends nothing.

    Raises:
        syncd.errors.ConfigError: One is not there, or an option cannot be used.
    """
    platform = platforms()[settings.accounts[account].connector]
    return platform.connect(resolve_account(settings, account), secrets.randbits)


def account_key(settings: Settings, name: str) -> str:
    """What names an account for good: renaming it in the configuration changes nothing."""
    account = settings.accounts[name]
    option = next(
        (o.name for o in platforms()[account.connector].options if o.required and not o.secret),
        None,
    )
    value = account.options.get(option) if option else None
    if not isinstance(value, str):
        return name
    plain = value.replace("-", "")  # Google writes 123-456-7890 and means the digits
    return plain if plain.isdigit() else value
