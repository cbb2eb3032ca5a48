"""retire: empty an audience for good that no sync fills any more."""

from __future__ import annotations

import sys
from pathlib import Path

from syncd.app import App, open_app, platforms
from syncd.cli import through
from syncd.cli.options import actor
from syncd.cli.output import complain, print_json, say
from syncd.errors import Busy, UsageError
from syncd.leaving import erasure
from syncd.leaving.retiring import Retired, sentence
from syncd.leaving.retiring import retire as visited
from syncd.ledger.audiences import KnownAudience
from syncd.runs.parts import Parts
from syncd.service import orphans
from syncd.sync import Wish


def retire(wanted: str, config: Path | None, *, yes: bool, as_json: bool) -> None:
    """Begin to empty it once a person has said so, or carry on; exit 0 when nothing is left."""
    who = actor()
    try:
        with open_app(config, holder=f"retire {wanted}") as app:
            found = _agreed(app, wanted, yes=yes)
            if not isinstance(found, Retired):
                # Ahead of everything else, as before a run.
                for error in erasure.carry_on(app.desk(), actor=who):
                    complain(f"syncd: an erasure waits: {error}")
                found = visited(orphans.parts_of(app, found), found, actor=who)
    except Busy:
        door = through.door(config, Wish(who))
        if door is None:
            raise
        with open_app(config) as app:  # to look and to ask a person takes no lock
            found = _agreed(app, wanted, yes=yes)
        if not isinstance(found, Retired):
            found = door.empty(orphans.whole(found))
    _say(found, as_json=as_json)
    sys.exit(found.exit_code)


def _agreed(app: App, wanted: str, *, yes: bool) -> KnownAudience | Retired:
    """The audience, once a person has said that it is to be emptied; or that it was before."""
    audience = orphans.orphan(app, wanted)
    if audience.state == "retired":
        return Retired(audience, "retired")
    parts = orphans.parts_of(app, audience)
    if audience.retiring_at is None and not yes:
        _ask(parts, audience)
    return audience


def orphaned(app: App, audience: KnownAudience) -> str:
    """An orphan in a sentence: what it holds, and what becomes of it."""
    generation = app.ledger.generation(audience.platform, audience.account, audience.id)
    members = generation.sizes.members if generation else 0
    where = f"audience {audience.name} ({audience.platform} {audience.id})"
    if audience.takes_out:
        return (
            f"orphaned: {where}, which others fill, has no sync any more; {members:,} members were "
            f"taken out of it, and `syncd retire {audience.id}` forgets them"
        )
    if audience.retiring_at is None:
        return (
            f"orphaned: {where} is filled by no sync any more and still holds {members:,} "
            f"members; `syncd retire {audience.id}` empties it"
        )
    return (
        f"retiring: {where} is being emptied since {audience.retiring_at:%Y-%m-%d %H:%M} UTC; "
        f"{members:,} members are not removed yet. `syncd retire {audience.id}` carries on"
    )


# --- asking and telling -------------------------------------------------------------


def _ask(parts: Parts, audience: KnownAudience) -> None:
    """Show what goes, and go on only if a person says so.

    Raises:
        syncd.errors.UsageError: They did not, or nobody can be asked.
    """
    complain(_goes(parts, audience))
    if audience.adopted:
        complain("It may hold members that syncd did not put there: those stay in it.")
    if not audience.takes_out:
        complain("No guard holds these removals. They are confirmed after the settle window.")
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError("nothing has begun: nobody can be asked here, so say `--yes`")
    question = "Forget them for good?" if audience.takes_out else "Empty it for good?"
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise UsageError("nothing has begun and nothing has changed; `--yes` does not ask")


def _goes(parts: Parts, audience: KnownAudience) -> str:
    at = (audience.platform, audience.account, audience.id)
    generation = parts.ledger.generation(*at)
    members = generation.sizes.members if generation else 0
    if audience.takes_out:
        return (
            f"Audience {audience.name} ({audience.id}) on {parts.platform.title} "
            f"{audience.account} is filled by others: {members:,} members that syncd took out of "
            "it are to be forgotten. Nothing is sent."
        )
    kinds = generation.sizes.identifiers if generation else {}
    counted = ", ".join(f"{kind} {count:,}" for kind, count in kinds.items())
    said = (
        f"Audience {audience.name} ({audience.id}) on {parts.platform.title} {audience.account}: "
        f"{members:,} members are to be taken out"
    )
    waiting = len(parts.ledger.unfinished(*at)) + len(parts.ledger.under_way(*at))
    said += f" ({counted})." if counted else "."
    return said + (f" Requests whose outcome is not known yet: {waiting:,}." if waiting else "")


def _say(found: Retired, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    audience = found.audience
    found_platform = platforms().get(audience.platform)
    title = found_platform.title if found_platform else audience.platform
    state = "being emptied" if found.state == "emptying" else found.state
    say(f"audience {audience.name} ({audience.id}) on {title}: {state}")
    say(f"  {sentence(found)}")
    if audience.adopted and found.state != "gone":
        say("  it may hold members that syncd did not put there; they stay in it")
    if found.state == "emptying":
        say(f"  carry on: syncd retire {audience.id}")
