"""Which audience on the platform a sync fills: found, made, taken over or refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import structlog

from syncd.errors import AudienceClosed, ConfigError, ForeignAudience, PlatformError, Unavailable
from syncd.ledger.audiences import KnownAudience
from syncd.model import Audience, Fact, RunState
from syncd.model.making import facts_apart, worded
from syncd.ports import Connector, Platform
from syncd.runs.parts import Parts

log = structlog.get_logger()

_ASKED = "audience_requested"
_REFUSED = "audience_refused"
_CLAIMED = "audience_claimed"


def known(parts: Parts) -> KnownAudience | None:
    """The audience as the ledger remembers it, if its configuration is still the same."""
    sync, found = parts.sync, parts.ledger.audience_of(parts.sync.name)
    if found is None or (found.platform, found.account) != (sync.platform, sync.account):
        return None
    if found.state != "active" or not found.ours:
        return None
    same = found.id == sync.audience_id if sync.audience_id else found.name == sync.audience_name
    if same:
        _same_mode(parts, found)
    return found if same else None


def _same_mode(parts: Parts, found: KnownAudience) -> None:
    """Never take whom we put in for who was taken out, or the reverse."""
    if found.takes_out == parts.sync.takes_out:
        return
    was = "only took members out of it" if found.takes_out else "filled it"
    now = "mode: remove" if parts.sync.takes_out else "another mode than remove"
    raise ConfigError(
        f"sync {parts.sync.name} has {now}, but syncd {was} so far: audience {found.name!r} "
        f"({found.id}). Name another audience; or take the sync out of the configuration, "
        f"`syncd retire {found.id}`, and put it back"
    )


def resolve(
    parts: Parts, connector: Connector, *, actor: str, run: str, adopt: bool
) -> KnownAudience:
    """The audience to fill; claimed for this sync.

    Args:
        parts: The sync's.
        connector: Its platform.
        actor, run: For the audit.
        adopt: Take an audience over although it holds members that are not ours.

    Raises:
        syncd.errors.ForeignAudience: It holds members that we did not put there, or its
            name is not unique.
        syncd.errors.ConfigError: Another sync fills it, or it was made for other facts.
    """
    found = known(parts)
    if found is not None:
        if facts_apart(parts.platform.audience_options) and _configured_anew(parts):
            _refuse_unlike(parts, parts.patience.ask(connector.read, found.id))
        return found
    audience = there(parts, connector) if parts.sync.takes_out else look(parts, connector)
    created = audience is None
    if audience is not None:
        _refuse_unlike(parts, audience)
    if audience is None:
        audience = _create(parts, connector, actor=actor, run=run)
    # One name for an account in the ledger, whatever the platform's answer calls it.
    audience = replace(audience, platform=parts.sync.platform, account=parts.sync.account)
    before = parts.ledger.known(audience.platform, audience.account, audience.id)
    ours = (
        created
        or audience.empty is True
        or (before is not None and before.ours)
        or (before is None and _asked_for(parts))
        or parts.sync.takes_out  # others fill it; we add nobody
    )
    if before is not None and before.state == "active":
        _same_mode(parts, before)
    if not ours and not adopt:
        raise ForeignAudience(
            f"audience {audience.name!r} ({audience.id}) holds members that syncd did not put "
            f"there{_size(audience)}: `syncd sync {parts.sync.name} --adopt` adds yours beside "
            f"them and leaves them in{_replacing(parts)}; or name another audience"
        )
    _claim(parts, audience, actor=actor, run=run, ours=ours, created=created)
    claimed = parts.ledger.known(audience.platform, audience.account, audience.id)
    if claimed is None:
        raise RuntimeError("an audience was claimed and is not in the ledger")
    return claimed


def fillable(parts: Parts, connector: Connector) -> AudienceClosed | None:
    """Whether a run may add anybody, where the platform closes audiences: before it reads.

    Returns:
        Why the audience takes nobody in: whoever leaves it is taken out all the same, for a
        closed audience is still used. None where it does, or did not answer.

    Raises:
        syncd.errors.AudienceUnusable: It cannot be changed, or is closed and was never ours.
        syncd.errors.PlatformError: The platform denies us, or an audience that is not known yet
            could not be looked for.
    """
    if not parts.platform.capabilities.closes:
        return None
    found = known(parts)
    if found is None:
        look(parts, connector)
        return None
    try:
        parts.patience.ask_once(connector.read, found.id)
    except Unavailable as error:
        log.warning("audience_not_examined", code=error.code)
    except AudienceClosed as error:
        if not parts.sync.takes_out:
            log.error("audience_closed", code=error.code, said=error.hint)
            return error
    return None


def there(parts: Parts, connector: Connector) -> Audience:
    """The audience of others that members are taken out of, as its platform states it.

    Raises:
        syncd.errors.ConfigError: There is none; it is never made.
        syncd.errors.ForeignAudience: Its name is not unique.
    """
    found = look(parts, connector)
    if found is None:
        raise ConfigError(
            f"{parts.platform.title} has no audience {parts.sync.audience_name!r}: with mode: "
            "remove members are taken out of an audience that somebody else fills, and none is "
            "made. Make it there first, or correct the name"
        )
    return found


def stated(
    parts: Parts, connect: Callable[[], Connector], audience: KnownAudience | None
) -> int | None:
    """People in an audience by its platform, at least, before members are taken out of it.

    None where it states none, and where nobody is to be taken out: no other guard asks.

    Raises:
        syncd.errors.ConfigError: There is no such audience.
        syncd.errors.PlatformError: It gave no answer, or the audience cannot be used.
    """
    if not parts.sync.takes_out:
        return None
    if audience is None:
        return there(parts, connect()).size
    try:
        return parts.patience.ask(connect().read, audience.id).size
    except AudienceClosed:  # to whoever is put in, and nobody is
        return None


def unlike(platform: Platform, audience: Audience, facts: frozenset[Fact]) -> str:
    """Why an audience cannot be filled by a sync with these facts; "" if it can.

    Args:
        platform: The audience's.
        audience: As read.
        facts: For which the sync's audience should be made.
    """
    if audience.facts is None:
        return ""
    for fact, option in facts_apart(platform.audience_options).items():
        if fact in audience.facts and fact not in facts:
            return (
                f"{platform.title} has it with `{option.name}: true` and the configuration has "
                f"not, and one cannot become the other: set {option.name} beside its name, as "
                "in `audience: {name: ..., " + f"{option.name}: true" + "}`, or name another"
            )
        if fact in facts and fact not in audience.facts:
            return (
                f"`{option.name}: true` is set, {platform.title} has it without, and one cannot "
                f"become the other: name another audience, which is then made so, or leave "
                f"{option.name} out"
            )
    return ""


def _refuse_unlike(parts: Parts, audience: Audience) -> None:
    if parts.sync.takes_out:  # a removal carries no facts
        return
    wrong = unlike(parts.platform, audience, parts.sync.facts)
    if wrong:
        raise ConfigError(f"audience {audience.name!r} ({audience.id}) is not filled: {wrong}")


def _configured_anew(parts: Parts) -> bool:
    """Whether no run under this configuration came so far as to find its audience fit."""
    runs = parts.ledger.runs(parts.sync.name)
    plan = next((one.plan for one in runs if one.plan and one.state is not RunState.PLANNED), None)
    last = parts.ledger.plan(plan) if plan else None
    return last is None or last.configuration != parts.sync.configuration


def _create(parts: Parts, connector: Connector, *, actor: str, run: str) -> Audience:
    """Make the audience; that we asked is committed first, for the answer may be lost.

    To ask twice may make two. So a lost answer is followed by a look, not by a repetition.
    """
    name, options = str(parts.sync.audience_name), parts.sync.audience_options
    _refuse_wording(parts, name)

    def tell(kind: str, said: str) -> None:
        event = parts.event(kind, said, actor=actor, audience=name, run=run)
        parts.ledger.audit(event)

    tell(_ASKED, f"Asking {parts.platform.title} to make audience {name}.")
    try:
        created = parts.patience.ask_once(connector.create, name, options)
    except Unavailable:
        found = look(parts, connector)
        if found is None:
            raise
        return found
    except PlatformError as error:
        tell(_REFUSED, f"{parts.platform.title} did not make audience {name}: {error}.")
        raise
    return created


def _refuse_wording(parts: Parts, name: str) -> None:
    """Make no audience that the platform would flag: it then takes no more changes."""
    wording = parts.platform.wording
    words = worded(wording, name, parts.sync.audience_options) if parts.sync.audience_lint else ()
    if words:
        raise ConfigError(
            f"audience {name!r} is not made: {parts.platform.title} flags audiences whose name or "
            f"description speaks of {wording.about}, and this one says {', '.join(words)}. Name "
            f"it otherwise, or set `lint: off` beside the name if it means something else"
        )


def _asked_for(parts: Parts) -> bool:
    """Whether this sync asked for an audience of this name and never learned the answer.

    Not every platform says whether an audience is empty.
    """
    told = [
        event
        for kind in (_ASKED, _REFUSED, _CLAIMED)
        for event in parts.ledger.events(sync=parts.sync.name, kind=kind, newest=True)
        if event.audience == parts.sync.audience_name
    ]
    return bool(told) and max(told, key=lambda event: event.number).kind == _ASKED


def _claim(
    parts: Parts, audience: Audience, *, actor: str, run: str, ours: bool, created: bool
) -> None:
    said = "Made audience" if created else "Found audience"
    does = "only takes members out of it" if parts.sync.takes_out else "fills it"
    parts.ledger.claim(
        audience,
        parts.sync.name,
        known_syncs=parts.known_syncs,
        created=ours,
        takes_out=parts.sync.takes_out,
        event=parts.event(
            _CLAIMED,
            f"{said} {audience.name} ({audience.id}) on {parts.platform.title}; "
            f"sync {parts.sync.name} {does} from now on.",
            actor=actor,
            audience=audience.name,
            run=run,
        ),
    )
    if ours:
        return
    parts.ledger.adopt(
        audience.platform,
        audience.account,
        audience.id,
        event=parts.event(
            "audience_adopted",
            f"Took over audience {audience.name} ({audience.id}), which may hold others; "
            "they stay in.",
            actor=actor,
            audience=audience.name,
            run=run,
        ),
    )


def look(parts: Parts, connector: Connector) -> Audience | None:
    """The audience that the configuration names, as its platform states it; None if not there.

    Raises:
        syncd.errors.ForeignAudience: Its name is not unique.
        syncd.errors.PlatformError: It gave no answer, or the audience cannot be used.
    """
    sync, ask = parts.sync, parts.patience.ask
    if sync.audience_id:
        return ask(connector.read, sync.audience_id)
    found = ask(connector.find, str(sync.audience_name))
    if len(found) > 1:
        ids = ", ".join(sorted(audience.id for audience in found))
        raise ForeignAudience(
            f"{len(found)} audiences are named {sync.audience_name!r} (ids {ids}): rename one, "
            'or say which by `audience: {id: "..."}`'
        )
    # A listing may know less of an audience than reading it does.
    return ask(connector.read, found[0].id) if found else None


def _replacing(parts: Parts) -> str:
    if not (parts.platform.capabilities.replace and parts.sync.removes):
        return ""
    return f"; `syncd reconcile {parts.sync.name} --replace` takes them out"


def _size(audience: Audience) -> str:
    return f", about {audience.size:,}" if audience.size else ""
