"""erase: take one person out of every audience, for good; and the certificate of it.

What identifies the person is read from standard input and shown nowhere.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from syncd.app import open_app, platforms
from syncd.cli.options import actor
from syncd.cli.output import complain, print_json, say, table
from syncd.cli.person import read_person
from syncd.errors import Busy, UsageError
from syncd.leaving import erasure
from syncd.leaving.lateness import Late, late
from syncd.ledger.lock import holder
from syncd.ledger.store import Ledger
from syncd.model import Erased, Erasure
from syncd.settings import load

UNDONE = 3  # the exit code where a platform refused something, or an account is unknown
_GRAVEST = (78, 77, 75, 2, 1)


def erase(config: Path | None, *, as_json: bool) -> None:
    """Erase the person on standard input; prints the certificate as it stands."""
    person, who = read_person(undone="nothing was erased"), actor()
    with open_app(config) as app:
        asked = erasure.ask(app.desk(), person, actor=who)
    try:
        code = _carry_on(config, who)
    except Busy as error:
        complain(f"syncd: {error}")
        complain(
            f"syncd: erasure {asked.id} is kept and nobody is sent again; {_who_removes(config)}"
        )
        code = Busy.exit_code
    with open_app(config) as app:
        told = app.ledger.erasures.told(asked.id)
        _show(app.ledger, asked.id, as_json=as_json)
    sys.exit(code or (UNDONE if any(one.trouble and not one.gone for one in told) else 0))


def resume(config: Path | None, *, as_json: bool) -> None:
    """Do what is due of every open erasure, and list what is open then."""
    code = _carry_on(config, actor())
    status(config, as_json=as_json)
    sys.exit(code)


def status(config: Path | None, *, as_json: bool) -> None:
    """List all erasures and what each waits for."""
    with open_app(config) as app:
        ledger = app.ledger
        found = [(one, ledger.erasures.told(one.id)) for one in ledger.erasures.all()]
        tardy = late(ledger, now=app.clock.now(), settle=app.settle)
    if as_json:
        places = {each.erasure: each.places for each in tardy}
        facts = [_facts(one, told) | {"late": places.get(one.id, ())} for one, told in found]
        print_json(facts)
        return
    say_late(tardy, app.clock.now())
    table(
        ("erasure", "asked", "by", "state", "waits for"),
        [(e.id, e.asked_at, e.actor, _state(e), _waits(e, told)) for e, told in found],
    )


def say_late(tardy: tuple[Late, ...], now: datetime) -> None:
    """Say which erasures take too long, and what keeps them."""
    for each in tardy:
        hours = (now - each.asked_at).total_seconds() / 3600
        say(f"LATE: erasure {each.erasure}, asked for {hours:,.0f} h ago")
        for place in each.places:
            say(f"  {place}")


def show(erasure_id: str, config: Path | None, *, as_json: bool) -> None:
    """Print the certificate of an erasure."""
    with open_app(config) as app:
        _show(app.ledger, erasure_id, as_json=as_json)


def _carry_on(config: Path | None, who: str) -> int:
    with open_app(config, holder="erase") as app:
        failed = erasure.carry_on(app.desk(), actor=who)
    for error in failed:
        complain(f"syncd: {error}")
    codes = {error.exit_code for error in failed}
    return next((code for code in _GRAVEST if code in codes), 0)


def _who_removes(config: Path | None) -> str:
    """Who takes the person out of the audiences, since another process holds the lock."""
    first = holder(load(config).ledger.directory)
    if first is not None and first.name == "daemon":
        return (
            "the daemon removes from the audiences, at its next look and again after the settle "
            "window: `syncd erase --status` tells how far it is"
        )
    return "the next run, or `syncd erase --resume`, removes from the audiences"


# --- the certificate ----------------------------------------------------------------


def _show(ledger: Ledger, erasure_id: str, *, as_json: bool) -> None:
    asked = next((one for one in ledger.erasures.all() if one.id == erasure_id), None)
    if asked is None:
        raise UsageError(f"there is no erasure {erasure_id}: `syncd erase --status` lists them")
    told = ledger.erasures.told(asked.id)
    if as_json:
        print_json(_facts(asked, told))
        return
    say(f"erasure {asked.id}: {_state(asked)}")
    say(f"  asked for {_moment(asked.asked_at)} by {asked.actor}")
    if asked.closed_at is not None:
        say(f"  complete {_moment(asked.closed_at)}")
    say()
    table(
        ("where", "members", "identifiers", "shared", "removed", "confirmed", "purged"),
        [
            (
                _where(one),
                one.sizes.members,
                sum(one.sizes.identifiers.values()),
                one.shared,
                *(_moment(at) for at in (one.removed_at, one.confirmed_at, one.purged_at)),
            )
            for one in told
        ],
    )
    for one in told:
        if one.requests:
            say(f"  {_where(one)}: references {', '.join(one.requests)}")
        if one.trouble:
            say(f"  {_where(one)}: {one.trouble}")
    say()
    for note in _notes(told):
        say(f"note: {note}")


def _facts(asked: Erasure, told: tuple[Erased, ...]) -> dict[str, object]:
    return {
        "id": asked.id,
        "state": _state(asked),
        "actor": asked.actor,
        "asked_at": asked.asked_at,
        "closed_at": asked.closed_at,
        "waits_for": _waits(asked, told),
        "places": told,
        "notes": list(_notes(told)),
    }


def _state(asked: Erasure) -> str:
    return "open" if asked.closed_at is None else "complete"


def _waits(asked: Erasure, told: tuple[Erased, ...]) -> str:
    if asked.closed_at is not None:
        return ""
    trouble = [f"{_where(one)}: {one.trouble}" for one in told if one.trouble and not one.gone]
    if trouble:
        return "; ".join(trouble)
    if not told or all(one.purged_at is not None for one in told):
        return "files from before it to be swept, or an audience to be reached"
    if any(one.removed_at and not one.confirmed_at for one in told):
        return "the second removal, when the settle window is over"
    return "the last removal to settle"


def _where(one: Erased) -> str:
    found = platforms().get(one.platform)
    title = found.title if found else one.platform
    if not one.audience:
        return f"{title} {one.account}, all audiences at once"
    return f"{title} {one.account}, audience {one.name} ({one.audience})"


def _moment(at: datetime | None) -> str:
    return "-" if at is None else f"{at:%Y-%m-%d %H:%M} UTC"


def _notes(told: tuple[Erased, ...]) -> Iterator[str]:
    """What the certificate does not say, and must."""
    yield (
        "removed and confirmed mean: the platform accepted that request. Whom it matched, and "
        "what it does with lookalikes and reports made before, it does not tell"
    )
    yield (
        "shared identifiers stay, since another member of the audience holds them. An audience "
        "without figures held nothing of the person"
    )
    if any(not one.audience for one in told):
        yield (
            "all audiences at once: this request also reaches customer lists of the account that "
            "syncd does not manage; the platform sends no word of its end"
        )
    without = {
        platform.title
        for one in told
        if (platform := platforms().get(one.platform)) and not platform.capabilities.forgets
    }
    for title in sorted(without):
        yield (
            f"{title} has no such request: audiences there that syncd does not manage were not "
            "reached"
        )
    yield (
        "purged means: no membership file of syncd holds the person's digests any more. Keyed "
        "tombstones stay, so that no later run sends the person. Backups are yours to let expire"
    )
