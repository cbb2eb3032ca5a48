"""lookup: was this person in it? Each audience that ever held them, since when and until when."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from syncd import lookup as rooms
from syncd.app import open_app
from syncd.cli.options import actor
from syncd.cli.output import print_json, say
from syncd.cli.person import read_person
from syncd.ledger import directory
from syncd.lookup import Answer, Place, Told


def lookup(config: Path | None, *, as_json: bool) -> None:
    """Tell where the person on standard input is and was."""
    person = read_person(undone="nothing was looked up", keys=False)
    with open_app(config) as app:
        directory.check_beside(app.ledger, app.directory)
        answer = rooms.look_up(
            app.desk(), person, actor=actor(), history=app.settings.ledger.history
        )
    if as_json:
        print_json(_facts(answer))
        return
    for place in answer.places:
        say(_where(place))
        for sentence in rooms.sentences(place):
            say(f"  {sentence}")
    say()
    for note in rooms.notes(answer):
        say(f"note: {note}")


def _where(place: Place) -> str:
    audience = place.audience
    where = f"{place.title} {audience.account}, audience {audience.name} ({audience.id})"
    if audience.state == "retired":
        return f"{where}, retired: what was kept of it is forgotten"
    return where if audience.sync else f"{where}, which no sync fills any more"


def _facts(answer: Answer) -> Mapping[str, object]:
    return {
        "there": any(place.there for place in answer.places),
        "found": any(place.told for place in answer.places),
        "places": [
            {
                "platform": place.audience.platform,
                "account": place.audience.account,
                "audience": place.audience.id,
                "name": place.audience.name,
                "sync": place.audience.sync,
                "state": place.audience.state,
                "there": place.there,
                "known_from": place.looked.known_from if place.looked else None,
                "remembers_from": place.looked.remembers_from if place.looked else None,
                "traces": [_trace(told) for told in place.told],
                "said": list(rooms.sentences(place)),
            }
            for place in answer.places
        ],
        "erasures": answer.erasures,
        "remembered_since": answer.since,
        "notes": list(rooms.notes(answer)),
    }


def _trace(told: Told) -> Mapping[str, object]:
    return {
        "kind": told.trace.kind,
        "standing": told.trace.standing,
        "since": told.trace.since,
        "left_at": told.trace.left_at,
        "outdated": told.trace.outdated,
        "began": told.began,
        "ended": told.ended,
    }
